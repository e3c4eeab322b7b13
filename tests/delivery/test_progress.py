"""The checkpoint never passes a record that is not done, whatever the order of the lanes."""

from hypothesis import given
from hypothesis import strategies as st

from bitacora.delivery.progress import Progress
from bitacora.delivery.records import Record

RECORDS = [Record(str(n), "k", 100.0 + n, b"{}") for n in range(6)]


def read(count: int) -> Progress:
    progress = Progress("before")
    for record in RECORDS[:count]:
        progress.read(record)
    return progress


def test_the_checkpoint_is_the_last_record_with_everything_before_it_done() -> None:
    progress = read(4)
    assert not progress.finish([RECORDS[1], RECORDS[3]])
    assert (progress.checkpoint, progress.oldest, len(progress)) == ("before", 100.0, 4)
    assert progress.finish([RECORDS[0]])
    assert (progress.checkpoint, progress.oldest, len(progress)) == ("1", 102.0, 2)
    assert progress.finish([RECORDS[2]])
    assert (progress.checkpoint, progress.oldest, len(progress)) == ("3", None, 0)


@given(st.permutations(RECORDS))
def test_in_any_order_nothing_undone_is_passed_and_the_end_is_reached(order: list[Record]) -> None:
    progress, done = read(6), set()
    for record in order:
        progress.finish([record])
        done.add(record.sequence)
        if progress.checkpoint != "before":
            assert {str(n) for n in range(int(progress.checkpoint or 0) + 1)} <= done
    assert progress.checkpoint == "5"
