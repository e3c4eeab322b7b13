"""What every store of snapshots promises. Subclass it and give the fixture `kept`."""

from uuid import uuid4

import msgspec
import pytest

from reference_service.cqrs.commit import STORED_LIMIT_BYTES
from reference_service.cqrs.snapshot import ENVELOPE_BYTES, Snapshot, SnapshotStore, marks
from tests.cqrs.toy import chain


@pytest.fixture
def stream() -> str:
    return f"sum-{uuid4()}"


def snapshot(stream: str, length: int = 3, state: bytes = b"\0\xff") -> Snapshot:
    commits = chain(stream, length)
    return Snapshot(
        stream=stream,
        commit=length,
        hash=commits[-1].hash,
        schema="toy/1",
        state=state,
        marks=marks(commits),
    )


class SnapshotStoreContract:
    def test_a_stream_without_a_snapshot_has_none(self, kept: SnapshotStore, stream: str) -> None:
        assert kept.read(stream) is None

    def test_what_is_read_is_what_was_written(self, kept: SnapshotStore, stream: str) -> None:
        kept.write(snapshot(stream))
        assert kept.read(stream) == snapshot(stream)

    def test_each_stream_has_its_own(self, kept: SnapshotStore, stream: str) -> None:
        other = f"{stream}-other"
        kept.write(snapshot(stream, 3))
        kept.write(snapshot(other, 4))
        assert kept.read(stream) == snapshot(stream, 3)
        assert kept.read(other) == snapshot(other, 4)

    def test_the_last_one_written_stays_whatever_its_commit(
        self, kept: SnapshotStore, stream: str
    ) -> None:
        for length in (3, 5, 2):
            kept.write(snapshot(stream, length))
        assert kept.read(stream) == snapshot(stream, 2)

    def test_one_just_below_the_limit_of_an_item_is_kept(
        self, kept: SnapshotStore, stream: str
    ) -> None:
        room = STORED_LIMIT_BYTES - 1 - ENVELOPE_BYTES - len(snapshot(stream).marks)
        largest = msgspec.structs.replace(snapshot(stream), state=b"\xff" * room)
        kept.write(largest)
        assert kept.read(stream) == largest
