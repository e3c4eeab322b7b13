"""How far a shard has come: what was read, what is done, and the checkpoint between."""

from collections import deque
from collections.abc import Iterable

from bitacora.delivery.records import Record


class Progress:
    """Records in read order. The checkpoint is the last one with everything before it done, so that
    lanes may finish in any order. Not thread-safe: its owner locks."""

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = checkpoint
        self._outstanding: deque[tuple[str, float]] = deque()
        self._done: set[str] = set()

    def __len__(self) -> int:
        """Records after the checkpoint, done ones among them."""
        return len(self._outstanding)

    @property
    def oldest(self) -> float | None:
        """Arrival of the oldest record that is not done, epoch seconds."""
        return self._outstanding[0][1] if self._outstanding else None

    def read(self, record: Record) -> None:
        self._outstanding.append((record.sequence, record.arrived))

    def finish(self, records: Iterable[Record]) -> bool:
        """Mark records as done. True when the checkpoint moved."""
        self._done.update(record.sequence for record in records)
        moved = False
        while self._outstanding and self._outstanding[0][0] in self._done:
            self.checkpoint = self._outstanding.popleft()[0]
            self._done.remove(self.checkpoint)
            moved = True
        return moved
