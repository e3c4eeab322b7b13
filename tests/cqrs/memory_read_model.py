"""What the toy domain's rows are in a read model: sums."""

from reference_service.cqrs.commit import Commit
from reference_service.cqrs.memory import InMemoryReadModel
from tests.cqrs.toy import CODEC

__all__ = ["InMemoryReadModel", "project"]


def project(row: int | None, commit: Commit) -> int:
    return (row or 0) + sum(event.number for event in CODEC.decode(commit.body))
