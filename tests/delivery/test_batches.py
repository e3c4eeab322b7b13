"""When a batch is sent: full, out of time, or as large as a payload may be."""

from bitacora.delivery.batches import lane_of, ready
from bitacora.delivery.records import Record, event_of


def records(count: int, size: int = 10) -> list[Record]:
    return [Record(str(n), f"key-{n}", 0.0, b"x" * size) for n in range(count)]


def test_without_a_window_whatever_waits_is_sent() -> None:
    assert ready(records(3), batch_size=10, window_s=0, waited_s=0) == 3


def test_a_batch_is_never_larger_than_the_batch_size() -> None:
    assert ready(records(25), batch_size=10, window_s=0, waited_s=0) == 10


def test_a_window_gathers_until_full_or_passed() -> None:
    assert ready(records(3), batch_size=10, window_s=5, waited_s=4.9) == 0
    assert ready(records(3), batch_size=10, window_s=5, waited_s=5.0) == 3
    assert ready(records(10), batch_size=10, window_s=5, waited_s=0) == 10
    assert ready(records(11), batch_size=10, window_s=5, waited_s=0) == 10


def test_nothing_waiting_is_no_batch() -> None:
    assert ready([], batch_size=10, window_s=0, waited_s=99) == 0


def test_a_payload_that_would_be_too_large_ends_the_batch() -> None:
    waiting = records(10, size=100)
    limit = len(event_of(waiting[:4])) + 20
    count = ready(waiting, batch_size=10, window_s=60, waited_s=0, max_bytes=limit)
    assert count == 4
    assert len(event_of(waiting[:count])) <= limit < len(event_of(waiting[: count + 1]))


def test_a_record_too_large_by_itself_goes_alone() -> None:
    waiting = [Record("1", "k", 0.0, b"x" * 500), *records(3)]
    assert ready(waiting, batch_size=10, window_s=60, waited_s=0, max_bytes=300) == 1


def test_a_key_always_takes_the_same_lane_and_keys_spread() -> None:
    lanes = [lane_of(record, 4) for record in records(100)]
    assert lanes == [lane_of(record, 4) for record in records(100)]
    assert set(lanes) == {0, 1, 2, 3}
