"""What the machinery asks of a domain: a decider and a codec for its events."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from reference_service.cqrs.commit import Commit

C = TypeVar("C")
S = TypeVar("S")
E = TypeVar("E")
R = TypeVar("R")


@dataclass(frozen=True)
class Decider(Generic[C, S, E, R]):
    """`admit` says whether the caller may know of the stream at all; `decide` what happens."""

    initial: Callable[[], S]
    admit: Callable[[C, S], R | None]
    decide: Callable[[C, S], list[E] | R]
    evolve: Callable[[S, E], S]

    def fold(self, state: S, events: Iterable[E]) -> S:
        for event in events:
            state = self.evolve(state, event)
        return state


class Codec(Protocol[E]):
    def encode(self, events: Sequence[E]) -> str:
        """The body of a commit. Raises InvalidEvent for an event that breaks its contract."""

    def decode(self, body: str) -> list[E]:
        """The events of a body. Raises Undecodable."""


class StateCodec(Protocol[S]):
    """States to text and back, for snapshots."""

    @property
    def schema(self) -> str:
        """Another text whenever the same history could be encoded otherwise than before."""

    def encode(self, state: S) -> str:
        """What decisions rest on, as JSON; what they do not look at may be left out."""

    def decode(self, text: str) -> S:
        """The state in a text of the same schema. Raises Undecodable."""


def fold_commits(
    decider: Decider[C, S, E, R], codec: Codec[E], commits: Iterable[Commit], state: S | None = None
) -> S:
    """The state after the commits, from `state` or the beginning. Raises Undecodable."""
    folded = decider.initial() if state is None else state
    for commit in commits:
        folded = decider.fold(folded, codec.decode(commit.body))
    return folded
