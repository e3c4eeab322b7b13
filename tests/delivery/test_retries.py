"""What follows an answer, rule by rule; every record ends once, done or discarded."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitacora.delivery.mapping import parse
from bitacora.delivery.records import Record
from bitacora.delivery.retries import (
    LONGEST_PAUSE_S,
    FunctionFailed,
    NotInvoked,
    Returned,
    Step,
    Work,
    after,
    first_failed,
    pause_s,
    split_by_age,
)

REQUEST = {
    "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/log",
    "FunctionName": "projector",
    "StartingPosition": "TRIM_HORIZON",
    "MaximumRetryAttempts": 2,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
MAPPING = parse("m", REQUEST)
BISECTING = replace(MAPPING, bisect=True)
BATCH = tuple(Record(str(n), f"key-{n}", float(n), b"{}") for n in range(5))
FAILED = FunctionFailed("ValueError: poison")


def report(*sequences: object) -> Returned:
    failures = [{"itemIdentifier": sequence} for sequence in sequences]
    return Returned(json.dumps({"batchItemFailures": failures}).encode())


@pytest.mark.parametrize(
    "answer", [None, "", {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}]
)
def test_an_empty_report_is_success(answer: Any) -> None:
    assert after(Work(BATCH), Returned(json.dumps(answer).encode()), MAPPING) == Step(done=BATCH)
    assert first_failed(BATCH, b"") == (5, "")


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b'"done"',
        b"[]",
        b"[1]",
        b"5",
        b'{"batchItemFailures": 5}',
        b'{"batchItemFailures": ["2"]}',
        b'{"batchItemFailures": [{"itemIdentifier": ""}]}',
        b'{"batchItemFailures": [{"itemIdentifier": null}]}',
        b'{"batchItemFailures": [{"identifier": "2"}]}',
        b'{"batchItemFailures": [{"itemIdentifier": "2"}, {"itemIdentifier": "77"}]}',
    ],
)
def test_an_answer_that_names_no_record_fails_the_whole_batch(payload: bytes) -> None:
    step = after(Work(BATCH), Returned(payload), MAPPING)
    assert step.done == ()
    assert [work.records for work in step.retry] == [BATCH]
    assert step.failure


def test_without_report_batch_item_failures_any_answer_is_success() -> None:
    deaf = replace(MAPPING, reports_item_failures=False)
    assert after(Work(BATCH), report("0"), deaf) == Step(done=BATCH)


def test_the_lowest_reported_record_is_the_checkpoint() -> None:
    step = after(Work(BATCH), report("4", "2"), MAPPING)
    assert step.done == BATCH[:2]
    assert [(work.records, work.attempts) for work in step.retry] == [(BATCH[2:], 1)]
    assert step.pause


def test_when_bisecting_the_batch_is_cut_at_the_reported_record_without_an_attempt() -> None:
    step = after(Work(BATCH, attempts=1), report("2"), BISECTING)
    assert step.done == BATCH[:2]
    assert [(work.records, work.attempts) for work in step.retry] == [(BATCH[2:], 1)]
    first = after(Work(BATCH, attempts=1), report("0"), BISECTING)
    assert [(work.records, work.attempts) for work in first.retry] == [(BATCH, 2)]


def test_a_failure_is_halved_without_an_attempt_until_a_record_is_alone() -> None:
    step = after(Work(BATCH), FAILED, BISECTING)
    halves = [(work.records, work.attempts) for work in step.retry]
    assert halves == [(BATCH[:3], 0), (BATCH[3:], 0)]
    alone = after(Work(BATCH[:1]), FAILED, BISECTING)
    assert [(work.records, work.attempts) for work in alone.retry] == [(BATCH[:1], 1)]


def test_the_first_try_is_no_retry() -> None:
    work, tries = Work(BATCH), 0
    while True:
        step, tries = after(work, FAILED, MAPPING), tries + 1
        if step.discard:
            break
        (work,) = step.retry
    assert tries == 1 + 2
    assert step.discard.records == BATCH
    assert step.discard.invocations == tries


def test_exhausted_retries_discard_only_what_is_left() -> None:
    step = after(Work(BATCH, attempts=2), report("3"), MAPPING)
    assert step.done == BATCH[:3]
    assert step.discard is not None
    assert step.discard.records == BATCH[3:]
    assert step.retry == ()


def test_without_a_limit_a_failure_is_retried_for_ever() -> None:
    endless = replace(MAPPING, max_attempts=None)
    assert after(Work(BATCH, attempts=1_000_000), FAILED, endless).retry


def test_throttling_and_lost_answers_consume_no_attempt() -> None:
    work = Work(BATCH, attempts=2, invocations=2)
    for answer in (NotInvoked("429", throttled=True), NotInvoked("connection lost")):
        step = after(work, answer, MAPPING)
        assert [(w.records, w.attempts) for w in step.retry] == [(BATCH, 2)]
        assert step.pause
        assert step.discard is None


def test_records_beyond_the_maximum_age_are_split_off() -> None:
    old, live = split_by_age(Work(BATCH, attempts=1), max_age_s=60, now=62.5)
    assert old is not None
    assert live is not None
    assert (old.records, live.records) == (BATCH[:3], BATCH[3:])
    assert split_by_age(Work(BATCH), None, 1e9) == (None, Work(BATCH))
    assert split_by_age(Work(BATCH), 60, 1e9) == (Work(BATCH), None)
    assert split_by_age(Work(BATCH), 60, 5.0) == (None, Work(BATCH))


def test_pauses_grow_are_bounded_and_scatter() -> None:
    longest = [pause_s(pauses, 0.999) for pauses in range(1, 10_000, 7)]
    assert longest == sorted(longest)
    assert longest[-1] <= LONGEST_PAUSE_S
    assert pause_s(1, 0.0) < 0.1
    assert pause_s(3, 0.0) < pause_s(3, 0.9)


answers = st.one_of(
    st.just("ok"),
    st.just("raise"),
    st.just("throttle"),
    st.just("nonsense"),
    st.lists(st.integers(0, 8), min_size=1, max_size=3),
)


@given(
    size=st.integers(1, 9),
    bisect=st.booleans(),
    limit=st.integers(0, 3),
    script=st.lists(answers, max_size=40),
)
def test_every_record_ends_once_done_or_discarded_and_in_order(
    size: int, bisect: bool, limit: int, script: list[Any]
) -> None:
    batch = tuple(Record(str(n), "k", 0.0, b"{}") for n in range(size))
    mapping = replace(MAPPING, bisect=bisect, max_attempts=limit)
    pending, ended = [Work(batch)], []
    for move in [*script, *["ok"] * 100]:
        if not pending:
            break
        work = pending.pop(0)
        sequences = [record.sequence for record in work.records]
        match move:
            case "ok":
                answer = report()
            case "raise":
                answer = FAILED
            case "throttle":
                answer = NotInvoked("429", throttled=True)
            case "nonsense":
                answer = Returned(b"nonsense")
            case indexes:
                answer = report(*[sequences[i % len(sequences)] for i in indexes])
        step = after(work, answer, mapping)
        ended += [*step.done, *(step.discard.records if step.discard else ())]
        pending = [*step.retry, *pending]
    assert tuple(ended) == batch
