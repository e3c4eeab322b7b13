"""The search for a value that fulfils a goal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from bitacora.contracts.keywords import Schema, at
from bitacora.contracts.satisfiability import arrays, objects, strings
from bitacora.contracts.satisfiability.answers import (
    NOTHING,
    Answer,
    Found,
    Nothing,
    NotKnown,
    first,
)
from bitacora.contracts.satisfiability.clauses import Clauses
from bitacora.contracts.satisfiability.demands import (
    KINDS,
    Clause,
    Demand,
    Facts,
    Goal,
    Node,
    Unknown,
    add,
    goal,
    kind_of,
)
from bitacora.contracts.satisfiability.numbers import plain

# Branches looked at before the search gives up, and goals inside each other.
LARGEST_SEARCH = 60_000
DEEPEST = 60
NEVER = 1 << 30
LONGEST_ENUM = 5_000
# Numbers that the validator refuses though they should do: its arithmetic is that of floats.
MOST_REFUSED = 50


class OutOfSteps(Exception):
    """LARGEST_SEARCH branches did not do."""


def satisfy(definitions: Mapping[str, Schema], demands: Iterable[tuple[Schema, bool]]) -> Answer:
    """A value that meets the schemas paired with True and breaks those paired with False.

    Every $ref in them is "#/$defs/…" and leads into `definitions`.
    """
    solver = Solver(definitions)
    try:
        return solver.solve(goal(Demand(solver.node(each), met) for each, met in demands))
    except OutOfSteps:
        return NotKnown(f"the search was given up after {LARGEST_SEARCH} branches")
    except RecursionError:
        return NotKnown("the schemas are nested too deeply")


@dataclass
class _Open:
    """Goals being solved, outermost first, and the outermost one that was met again inside."""

    depth: dict[Goal, int] = field(default_factory=dict)
    met_again: int = NEVER


class Solver:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._root = {"$defs": definitions}
        self._nodes: dict[str, Node] = {}
        self._node_of_id: dict[int, tuple[Schema, Node]] = {}
        self._validators: dict[Node, Draft202012Validator] = {}
        self._solved: dict[Goal, Answer] = {}
        self._open = _Open()
        self._steps = 0
        self.clauses = Clauses(self.node, self.target)

    def node(self, schema: Schema) -> Node:
        # The schema is kept beside its node, so that its id stays its own.
        kept = self._node_of_id.get(id(schema))
        if kept is None:
            text = json.dumps(schema, sort_keys=True)
            kept = (schema, self._nodes.setdefault(text, Node(schema, text)))
            self._node_of_id[id(schema)] = kept
        return kept[1]

    def target(self, ref: str) -> Schema:
        try:
            return at(self._root, ref.removeprefix("#"))
        except LookupError:
            raise Unknown(f"{ref} leads nowhere") from None

    def constant(self, value: Any, met: bool = True) -> Demand:
        return Demand(self.node({"const": value}), met)

    def holds(self, asked: Iterable[Demand], value: Any) -> bool:
        """Whether `value` fulfils every demand, as the reference validator sees it."""
        return all(self._validator(each.node).is_valid(value) is each.met for each in asked)

    def _validator(self, node: Node) -> Draft202012Validator:
        known = self._validators.get(node)
        if known is None:
            schema = {"allOf": [node.schema], **self._root}
            known = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
            self._validators[node] = known
        return known

    def solve(self, asked: Goal) -> Answer:
        """A value for the goal. Raises OutOfSteps.

        A goal that is met again inside itself is not solved there: a smallest value for it holds
        no other value for it.
        """
        known = self._solved.get(asked)
        if known is not None:
            return known
        if any(Demand(each.node, not each.met) in asked for each in asked):
            return NOTHING
        opened = self._open
        if asked in opened.depth:
            opened.met_again = min(opened.met_again, opened.depth[asked])
            return NOTHING
        if len(opened.depth) >= DEEPEST:
            return NotKnown("the schemas are nested too deeply")
        depth, outside = len(opened.depth), opened.met_again
        opened.depth[asked], opened.met_again = depth, NEVER
        try:
            answer = self._searched(asked)
        finally:
            del opened.depth[asked]
            inside, opened.met_again = opened.met_again, outside
        if isinstance(answer, Found) or inside >= depth:
            self._solved[asked] = answer
        if inside < depth:
            opened.met_again = min(outside, inside)
        return answer

    def _searched(self, asked: Goal) -> Answer:
        return first(self._of_kind(asked, kind) for kind in KINDS)

    def _of_kind(self, asked: Goal, kind: str) -> Answer:
        try:
            return first(self._leaf(asked, facts) for facts in self._branches(asked, kind))
        except Unknown as reason:
            return NotKnown(str(reason))

    def _branches(self, asked: Goal, kind: str) -> Iterator[Facts]:
        """The branches of a goal for values of one type, each with all its facts."""
        yield from self._expanded(Facts(kind), set(), list(asked), [])

    def _expanded(
        self, facts: Facts, seen: set[Demand], waiting: list[Demand], open_: list[Clause]
    ) -> Iterator[Facts]:
        self._steps += 1 + len(open_) // 8
        if self._steps > LARGEST_SEARCH:
            raise OutOfSteps
        while waiting:
            demand = waiting.pop()
            if demand in seen:
                continue
            if Demand(demand.node, not demand.met) in seen:
                return
            seen.add(demand)
            for clause in self.clauses.of(demand, facts.kind):
                if not clause:
                    return
                if len(clause) > 1:
                    open_.append(clause)
                elif not self._take(facts, waiting, clause[0]):
                    return
        if facts.among is not None or not open_:
            yield facts
            return
        open_.sort(key=len, reverse=True)
        *others, smallest = open_
        for way in smallest:
            branch, following = facts.copy(), list[Demand]()
            if self._take(branch, following, way):
                yield from self._expanded(branch, set(seen), following, list(others))

    def _take(self, facts: Facts, waiting: list[Demand], way: tuple[Any, ...]) -> bool:
        """Put down what a way consists of; False when that cannot be."""
        for item in way:
            if isinstance(item, Demand):
                waiting.append(item)
                continue
            add(facts, item)
            if facts.contradictory:
                return False
            if item[0] == "inside":
                value = objects.asked_of(facts, item[1])
                if isinstance(self.solve(goal(value)), Nothing):
                    return False
        return True

    def _leaf(self, asked: Goal, facts: Facts) -> Answer:
        if facts.among is not None:
            return self._one_of(asked, facts)
        match facts.kind:
            case "null":
                return self._tried(asked, [None])
            case "boolean":
                return self._tried(asked, [True, False])
            case "number":
                return self._number(asked, facts)
            case "string":
                return strings.solve(self, asked, facts)
            case "array":
                return arrays.solve(self, facts)
            case _:
                return objects.solve(self, facts)

    def _one_of(self, asked: Goal, facts: Facts) -> Answer:
        assert facts.among is not None
        if len(facts.among) > LONGEST_ENUM:
            return NotKnown(f"an enum of more than {LONGEST_ENUM} values")
        return self._tried(asked, [each for each in facts.among if kind_of(each) == facts.kind])

    def _tried(self, asked: Goal, values: list[Any]) -> Answer:
        """These values and no others come into question."""
        return next((Found(value) for value in values if self.holds(asked, value)), NOTHING)

    def _number(self, asked: Goal, facts: Facts) -> Answer:
        refused = 0
        for member in facts.numbers.members():
            value = plain(member)
            if value in facts.excluded:
                continue
            if self.holds(asked, value):
                return Found(value)
            refused += 1
            if refused > MOST_REFUSED:
                break
        if facts.numbers.complete and not refused:
            return NOTHING
        return NotKnown("no number that the validator agrees on was found")
