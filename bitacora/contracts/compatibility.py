"""Do two versions of a contract go together? With the very event that shows it, when not."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

from jsonschema import Draft202012Validator

from bitacora.contracts.documents import Document
from bitacora.contracts.keywords import Schema, at, pointer_of, rebuilt, steps
from bitacora.contracts.reading import Reading, as_read, as_written
from bitacora.contracts.satisfiability.answers import Found, Nothing
from bitacora.contracts.satisfiability.solver import satisfy

Verdict: TypeAlias = Literal["compatible", "incompatible", "undecided"]
Direction: TypeAlias = Literal["backward", "forward"]


class Mode(Enum):
    """BACKWARD: new consumers read what old producers wrote. FORWARD: old consumers read what new
    producers write. FULL: both. Transitive: not only the version before, but every one.
    """

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def transitive(self) -> bool:
        return self.value.endswith("_TRANSITIVE")

    @property
    def directions(self) -> tuple[Direction, ...]:
        match self.value.removesuffix("_TRANSITIVE"):
            case "BACKWARD":
                return ("backward",)
            case "FORWARD":
                return ("forward",)
            case "FULL":
                return ("backward", "forward")
            case _:
                return ()


@dataclass(frozen=True)
class Reason:
    """Why the reader refuses: `pointer` into the instance, the keyword, and a sentence."""

    pointer: str
    keyword: str
    detail: str


@dataclass(frozen=True)
class Counterexample:
    """An event that the one side writes and the other refuses, confirmed by validating it."""

    direction: Direction
    writer: str
    reader: str
    instance: Any
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Doubt:
    """A direction that could not be decided, and why. It counts as incompatible."""

    direction: Direction
    writer: str
    reader: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    counterexamples: tuple[Counterexample, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    @property
    def verdict(self) -> Verdict:
        if self.counterexamples:
            return "incompatible"
        return "undecided" if self.doubts else "compatible"


def compare(
    old: Document,
    new: Document,
    mode: Mode,
    reading: Reading = Reading.CONTRACT,
    candidates: Iterable[Any] = (),
) -> Comparison:
    """Compare two versions. `candidates` are events to try first, such as examples."""
    tried = tuple(candidates)
    found: list[Counterexample] = []
    doubts: list[Doubt] = []
    for direction in mode.directions:
        writer, reader = (old, new) if direction == "backward" else (new, old)
        try:
            outcome = _one_way(direction, writer, reader, reading, tried)
        except RecursionError:
            why = "the schemas are nested too deeply"
            outcome = Doubt(direction, writer.name, reader.name, why)
        if isinstance(outcome, Counterexample):
            found.append(outcome)
        elif outcome is not None:
            doubts.append(outcome)
    return Comparison(tuple(found), tuple(doubts))


def _one_way(
    direction: Direction,
    writer: Document,
    reader: Document,
    reading: Reading,
    candidates: Sequence[Any],
) -> Counterexample | Doubt | None:
    """None when the reader accepts everything that the writer writes."""
    written, read = sides(writer, reader, reading)
    writes, reads = _validator(written), _validator(read)

    def shown(instance: Any) -> Counterexample | None:
        if not writes.is_valid(instance) or reads.is_valid(instance):
            return None
        reasons = tuple(sorted(set(_reasons(reads, instance)), key=lambda each: each.pointer))
        return Counterexample(direction, writer.name, reader.name, instance, reasons)

    for instance in candidates:
        if counterexample := shown(instance):
            return counterexample
    definitions = {"written": _placed(written, "written"), "read": _placed(read, "read")}
    answer = satisfy(
        definitions, [({"$ref": "#/$defs/written"}, True), ({"$ref": "#/$defs/read"}, False)]
    )
    match answer:
        case Nothing():
            return None
        case Found(instance):
            if counterexample := shown(_rounded(instance)):
                likely = (shown(each) for each in _likelier(counterexample, candidates))
                return next(filter(None, likely), counterexample)
            why = f"a possible counterexample could not be confirmed: {json.dumps(instance)}"
            return Doubt(direction, writer.name, reader.name, why)
        case _:
            return Doubt(direction, writer.name, reader.name, answer.reason)


def sides(writer: Document, reader: Document, reading: Reading) -> tuple[Schema, Schema]:
    """What the writer writes and what the reader accepts, each a schema that stands by itself."""
    if reading is Reading.STRICT:
        return writer.schema, reader.schema
    return as_written(writer.schema), as_read(reader.schema)


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _rounded(instance: Any) -> Any:
    """As it comes back from JSON text."""
    return json.loads(json.dumps(instance))


def _likelier(bare: Counterexample, candidates: Sequence[Any]) -> Iterator[Any]:
    """Real events with no more of the bare counterexample than what it is refused for."""
    for candidate in candidates:
        with suppress(LookupError, TypeError):
            event = deepcopy(candidate)
            for reason in bare.reasons:
                event = _grafted(event, reason, at(bare.instance, reason.pointer))
            yield event


def _grafted(event: Any, reason: Reason, value: Any) -> Any:
    """`event` with `value` at the reason's place, or without the properties that `value` lacks."""
    if not reason.pointer and reason.keyword not in _LACKS:
        return value
    *path, last = steps(reason.pointer) if reason.pointer else [""]
    parent = at(event, pointer_of(tuple(path)))
    if reason.keyword in _LACKS:
        here = at(event, reason.pointer)
        for name in here.keys() - value.keys():
            del here[name]
    elif isinstance(parent, list):
        parent[int(last)] = value
    else:
        parent[last] = value
    return event


def _reasons(reads: Draft202012Validator, instance: Any) -> Iterable[Reason]:
    for error in reads.iter_errors(instance):
        pointer = pointer_of(tuple(map(str, error.absolute_path)))
        yield Reason(pointer, str(error.validator), error.message)


_LACKS = ("required", "dependentRequired", "minProperties")
_SAYS_NOTHING = frozenset(
    (
        "title",
        "description",
        "examples",
        "default",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$comment",
    )
)


def _placed(schema: Schema, name: str) -> Schema:
    """The document below #/$defs/<name>, without what says nothing about a value."""
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: value
        for key, value in schema.items()
        if key not in _SAYS_NOTHING and not key.startswith(("x-", "content"))
    }
    made = rebuilt(kept, lambda _, below: _placed(below, name))
    if "$ref" in made:
        made["$ref"] = f"#/$defs/{name}{made['$ref'][1:]}"
    return made
