"""What is recorded while it happens can be checked afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from itertools import count

import pytest

from bitacora.audit.history import Append, Operation, Read, Recorder, Seen, check
from bitacora.audit.history.malformed import Contradictory
from bitacora.audit.history.reading import decode


@pytest.fixture
def file() -> BytesIO:
    return BytesIO()


@pytest.fixture
def recorder(file: BytesIO) -> Recorder:
    """Its clock ticks a second each time it is asked."""
    ticks: Iterator[int] = count()
    return Recorder(file, clock=lambda: float(next(ticks)))


def recorded(file: BytesIO) -> list[Operation]:
    return decode(BytesIO(file.getvalue()))


def test_what_was_decided_is_a_line(recorder: Recorder, file: BytesIO) -> None:
    with recorder.append("ana", "order-1", "k1", expected=0) as attempt:
        attempt.ok(version=2, count=2)
    with recorder.append("ben", "order-1", "k2", expected=0) as attempt:
        attempt.failed("conflict", version=2)
    with recorder.read("ana", "order-1", token=2, where="list") as look:
        look.ok(2)
    with recorder.read("ana", "order-1", consistency="strong") as look:
        look.failed()
    recorder.write(Seen(where="list", stream="order-1", version=2))

    ana = {"client": "ana", "stream": "order-1"}
    assert recorded(file) == [
        Append(
            **ana,
            command="k1",
            expected=0,
            invoked=0,
            returned=1,
            outcome="ok",
            version=2,
            count=2,
        ),
        Append(
            client="ben",
            stream="order-1",
            command="k2",
            expected=0,
            invoked=2,
            returned=3,
            outcome="failed",
            reason="conflict",
            version=2,
        ),
        Read(**ana, invoked=4, returned=5, outcome="ok", version=2, token=2, where="list"),
        Read(**ana, invoked=6, returned=7, outcome="failed", consistency="strong"),
        Seen(where="list", stream="order-1", version=2),
    ]


def test_what_ends_by_an_exception_is_unknown_and_the_exception_goes_on(
    recorder: Recorder, file: BytesIO
) -> None:
    with pytest.raises(TimeoutError), recorder.append("ana", "order-1", "k1"):
        raise TimeoutError
    with recorder.read("ana", "order-1"):
        pass

    assert [(each.outcome, each.invoked, each.returned) for each in recorded(file)] == [
        ("unknown", 0, 1),
        ("unknown", 2, 3),
    ]


def test_an_answer_counts_although_what_follows_it_fails(recorder: Recorder, file: BytesIO) -> None:
    def answered_and_lost() -> None:
        with recorder.append("ana", "order-1", "k1") as attempt:
            attempt.ok(version=1, count=1)
            raise KeyError

    with pytest.raises(KeyError):
        answered_and_lost()

    assert [each.outcome for each in recorded(file)] == ["ok"]


def test_an_operation_is_decided_once(recorder: Recorder, file: BytesIO) -> None:
    with recorder.append("ana", "order-1", "k1") as attempt:
        attempt.ok(version=1, count=1)
        with pytest.raises(ValueError, match="decided already: ok"):
            attempt.failed("conflict")


def test_what_no_line_can_say_is_not_written(recorder: Recorder, file: BytesIO) -> None:
    with recorder.append("ana", "order-1", "k1") as attempt, pytest.raises(Contradictory):
        attempt.failed("throttled", version=3)

    assert [each.outcome for each in recorded(file)] == ["unknown"]


def test_threads_do_not_tear_each_others_lines(file: BytesIO) -> None:
    recorder = Recorder(file)

    def order(number: int) -> None:
        for version in range(1, 51):
            command = f"k{version}"
            with recorder.append("c", f"order-{number}", command, expected=version - 1) as attempt:
                attempt.ok(version, count=1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(order, range(8)))

    report = check(recorded(file))
    assert report.verdict == "holds"
    assert report.counts == {"operations": 400, "streams": 8}
