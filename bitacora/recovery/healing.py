"""Parked streams of a target, listed and healed by its operations function."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bitacora.embedded.problem import Problem
from bitacora.targets import Target, invoke
from reference_service.cqrs.parking import Parked

FUNCTION = "operations"
Heal: TypeAlias = Literal["repair", "republish"]
# Whose streams each of the two heals; every other consumer is a read model.
PUBLIC_WAY, BOTH_WAYS = "publisher", "relay"


@dataclass(frozen=True)
class Outcome:
    """What became of a stream. `parked`: consumer → why it still stops there.

    `steps` are (what, from commit, to commit); `fault` is why it could not be tried.
    """

    stream: str
    steps: tuple[tuple[str, int, int], ...] = ()
    published: int = 0
    parked: Mapping[str, str] | None = None
    fault: str | None = None

    @property
    def healed(self) -> bool:
        return not self.parked and not self.fault


def parked(target: Target) -> Iterator[Parked]:
    """Every parked stream of every consumer, page by page. Raises Problem."""
    cursor = None
    while True:
        answer = invoke(target, FUNCTION, {"operation": "parked", "cursor": cursor})
        yield from (Parked(**one) for one in answer["parked"])
        cursor = answer["cursor"]
        if cursor is None:
            return


def envelope(target: Target, stream: str, commit: int) -> dict[str, Any]:
    """{"envelope": the stored commit without event data or None, "fault": why}. Raises Problem."""
    event = {"operation": "envelope", "stream": stream, "commit": commit}
    answer: dict[str, Any] = invoke(target, FUNCTION, event)
    return answer


def concerned(target: Target, heal: Heal) -> list[str]:
    """The parked streams that `heal` may bring back, each once. Raises Problem."""
    streams = {
        one.stream: None
        for one in parked(target)
        if one.consumer == BOTH_WAYS or (one.consumer == PUBLIC_WAY) == (heal == "republish")
    }
    return list(streams)


def healed(target: Target, heal: Heal, streams: Iterable[str]) -> Iterator[Outcome]:
    """Heal one stream after the other; a fault at one does not keep the others from being tried."""
    for stream in streams:
        try:
            answer = invoke(target, FUNCTION, {"operation": heal, "stream": stream})
        except Problem as problem:
            yield Outcome(stream, fault=problem.what)
        else:
            yield _outcome(answer)


def _outcome(answer: Mapping[str, Any]) -> Outcome:
    steps = [(name, one["start"], one["end"]) for name, one in answer["repaired"].items()]
    told = answer["republished"]
    if told:
        steps.append(("publisher", 0, told["end"]))
    fault = None
    if not answer["parked"] and not any(end for _, _, end in steps):
        fault = "the event store has no such stream"
    return Outcome(
        answer["stream"], tuple(steps), told["published"] if told else 0, answer["parked"], fault
    )
