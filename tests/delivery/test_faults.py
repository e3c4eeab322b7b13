"""Faults are counted, checked, and a reorder never exchanges two changes of one item."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitacora.delivery.faults import Faults, InvalidFault, reordered
from bitacora.delivery.records import Record


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(0, 1000))
def test_a_reorder_changes_the_order_but_not_within_an_item(keys: list[str], seed: int) -> None:
    records = [Record(str(n), key, 0.0, b"") for n, key in enumerate(keys)]
    other = reordered(records, Random(seed))
    if len(set(keys)) == 1:
        assert other is None
        return
    assert other is not None
    assert other != records
    assert sorted(other, key=lambda r: int(r.sequence)) == records
    for key in set(keys):
        of_key = [r for r in other if r.key == key]
        assert of_key == [r for r in records if r.key == key]


def test_a_fault_is_used_up_and_counted() -> None:
    faults = Faults("dynamodb")
    faults.order("lose_answer", {"times": 2})
    assert [faults.take("lose_answer") for _ in range(3)] == [True, True, False]
    assert faults.report()["lose_answer"] == {"armed": 0, "done": 2}
    assert not faults.take("repeat_batch")


def test_zero_disarms() -> None:
    faults = Faults("dynamodb")
    faults.order("repeat_batch", {"times": 5})
    faults.order("repeat_batch", {"times": 0})
    assert not faults.take("repeat_batch")


def test_a_delay_is_for_all_shards_or_for_one() -> None:
    faults = Faults("kinesis")
    faults.order("delay_ms", {"ms": 200})
    faults.order("delay_ms", {"ms": 0, "shard": "a"})
    assert (faults.delay_s("a"), faults.delay_s("b")) == (0.0, 0.2)


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        ("explode", {}, "explode"),
        ("lose_answer", {"times": -1}, "times"),
        ("lose_answer", {"times": "2"}, "times"),
        ("lose_answer", {"shard": "a"}, "shard"),
        ("delay_ms", {}, "ms"),
        ("delay_ms", {"ms": 10**9}, "ms"),
        ("stop", {"times": 1}, "times"),
        ("reorder", {}, "Kinesis keeps"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    kind: str, options: dict[str, object], named: str
) -> None:
    with pytest.raises(InvalidFault, match=named):
        Faults("kinesis").order(kind, options)
