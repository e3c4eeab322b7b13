"""msgspec types that several threads may read."""

import threading

import msgspec

_ONE_AT_A_TIME = threading.Lock()


def build(kind: type) -> None:
    """Have msgspec know a type. It learns it at the first use otherwise, and the process crashes
    when two threads meet there: one reads what the other has not filled in yet (msgspec 0.22)."""
    with _ONE_AT_A_TIME:
        msgspec.json.Decoder(kind)
