"""Streams of orders, as commands would have made them."""

from collections.abc import Sequence

from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.order.codec import OrderCodec
from reference_service.order.events import Event
from reference_service.schemas import Schemas
from tests.order.ana import CONFIRMED, PLACED, SHIPPED

CODEC = OrderCodec(Schemas.load())
__all__ = ["CODEC", "CONFIRMED", "PLACED", "SHIPPED", "order_commits", "order_id"]


def order_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def order_commits(number: int, *commits: Sequence[Event], at: str | None = None) -> list[Commit]:
    """The stream of order `number`: placed a second after the one before, or all of it `at`."""
    stream, chained = f"order-{order_id(number)}", list[Commit]()
    for events in commits:
        chained.append(
            following(
                chained[-1] if chained else None,
                stream=stream,
                cause=Cause(
                    command_id=f"command-{len(chained)}",
                    fingerprint="f",
                    actor="ana",
                    causation="request-1",
                    correlation="correlation-1",
                ),
                body=CODEC.encode(events),
                count=len(events),
                at=at or f"2026-01-01T12:00:{number % 60:02d}.{len(chained):03d}Z",
                commit_id=f"{stream}-{len(chained)}",
            )
        )
    return chained
