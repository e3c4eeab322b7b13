"""The smallest history that still goes wrong: what it does not need is taken away, bit by bit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bitacora.simulation.decisions import Choice, Decisions
from bitacora.simulation.faults import Fault
from bitacora.simulation.observed import History
from bitacora.simulation.parts import Parts
from bitacora.simulation.plan import Plan
from bitacora.simulation.scheduler import Stuck
from bitacora.simulation.verdict import Finding, findings
from bitacora.simulation.world import history

T = TypeVar("T")

# Occasions that a choice is moved to, from the first on.
SOONER = 4
# Histories that are run for it at most.
BUDGET = 3000


@dataclass(frozen=True)
class Case:
    """A plan, and the choices that are not the quiet ones: all that a history depends on."""

    plan: Plan
    choices: dict[Choice, Any]

    @property
    def faults(self) -> int:
        """How many things go wrong."""
        return sum(isinstance(chosen, Fault) for chosen in self.choices.values())

    @property
    def turns(self) -> int:
        """How often a process other than the next in line goes on."""
        return sum(choice.what in ("turn", "next") for choice in self.choices)


@dataclass(frozen=True)
class Run:
    """`case` has only the choices that were come to; without `history` it had no end."""

    case: Case
    history: History | None
    findings: list[Finding]


def run(plan: Plan, decisions: Decisions, parts: Parts, *, traced: bool = False) -> Run:
    """One history to its end, and what is wrong with it."""
    try:
        done = history(plan, decisions, parts, traced=traced)
        found = findings(done)
    except Stuck as stuck:
        done, found = None, [Finding("stuck", "", str(stuck))]
    except Exception as fault:
        done, found = None, [Finding("crashed", "", f"{type(fault).__name__}: {fault}")]
    return Run(Case(plan, dict(decisions.made)), done, found)


def again(case: Case, parts: Parts, *, traced: bool = False) -> Run:
    return run(case.plan, Decisions(given=case.choices), parts, traced=traced)


def shrunk(case: Case, parts: Parts) -> Case:
    """The case without what it can do without and still show a finding of the same kind."""
    kinds = {found.kind for found in again(case, parts).findings}
    left = BUDGET

    def fails(candidate: Case) -> bool:
        nonlocal left
        left -= 1
        return left > 0 and any(found.kind in kinds for found in again(candidate, parts).findings)

    before = None
    while before != case and left > 0:
        before = case
        case = _with_less(case, fails)
    return again(case, parts).case


def _with_less(case: Case, fails: Callable[[Case], bool]) -> Case:
    """One pass over everything that can be taken away; the large things come first."""

    def planned(**changes: Any) -> Case:
        return replace(case, plan=replace(case.plan, **changes))

    for plain in ({"reconciles": ()}, {"snapshots": 0}, {"shards": 1}):
        candidate = planned(**plain)
        if candidate != case and fails(candidate):
            case = candidate
    steps = _fewer(case.plan.steps, lambda some: fails(planned(steps=tuple(some))))
    case = planned(steps=tuple(steps))
    made = list(case.choices.items())
    kept = _fewer(made, lambda some: fails(replace(case, choices=dict(some))))
    return _sooner(replace(case, choices=dict(kept)), fails)


def _sooner(case: Case, fails: Callable[[Case], bool]) -> Case:
    """With choices at earlier occasions: what led to the later ones may be needed no more."""
    for choice in list(case.choices):
        for number in range(1, min(choice.number, SOONER)):
            earlier = choice._replace(number=number)
            if earlier in case.choices:
                continue
            moved = {earlier if one == choice else one: v for one, v in case.choices.items()}
            if fails(replace(case, choices=moved)):
                case = replace(case, choices=moved)
                break
    return case


def _fewer(everything: Sequence[T], enough: Callable[[list[T]], bool]) -> list[T]:
    """A part of it that is enough: halves are left out, then quarters, down to single ones."""
    kept = list(everything)
    size = max(1, len(kept) // 2)
    while kept:
        place = 0
        while place < len(kept):
            some = kept[:place] + kept[place + size :]
            if enough(some):
                kept = some
            else:
                place += size
        if size == 1:
            break
        size = max(1, size // 2)
    return kept
