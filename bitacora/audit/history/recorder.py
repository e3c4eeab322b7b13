"""Writes a history as it happens: a line for each operation when it has ended.

    recorder = Recorder(file)
    with recorder.append("c1", "order-1", "k1", expected=2) as attempt:
        answer = send(…)
        attempt.ok(answer.version, count=1)

A block that is left undecided, by an exception or not, is recorded as unknown, and the exception
goes on. What is begun and never left, in a process that was killed, leaves no line: its effect
would be taken for one that nobody asked for, so who kills clients records an unknown append.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import BinaryIO, TypeVar

from msgspec.json import encode
from msgspec.structs import replace

from bitacora.audit.history.malformed import refuse_contradiction
from bitacora.audit.history.operations import Append, Consistency, Operation, Read

T = TypeVar("T", Append, Read)


class Attempt:
    """An append that is under way, until it is decided."""

    def __init__(self, unknown: Append, clock: Callable[[], float]) -> None:
        self.operation = unknown
        self._clock = clock

    def ok(self, version: int, count: int) -> None:
        """`version` after it, of which the last `count` events are its own."""
        self._decide(replace(self.operation, outcome="ok", version=version, count=count))

    def failed(self, reason: str = "", version: int | None = None) -> None:
        """It did nothing. The reason "conflict" may tell the version that it met."""
        self._decide(replace(self.operation, outcome="failed", reason=reason, version=version))

    def _decide(self, operation: Append) -> None:
        self.operation = _returned(self.operation, operation, self._clock())


class Look:
    """A read that is under way, until it is decided."""

    def __init__(self, unknown: Read, clock: Callable[[], float]) -> None:
        self.operation = unknown
        self._clock = clock

    def ok(self, version: int) -> None:
        """`version` is 0 where there was no such stream."""
        self._decide(replace(self.operation, outcome="ok", version=version))

    def failed(self) -> None:
        """No version was told: "not yet", or an error."""
        self._decide(replace(self.operation, outcome="failed"))

    def _decide(self, operation: Read) -> None:
        self.operation = _returned(self.operation, operation, self._clock())


class Recorder:
    """Any number of threads may record into one file, opened for binary writing.

    `clock` tells seconds and never goes back. Several processes share a file only if each opens it
    for appending and all have one clock, as those of a machine have with time.monotonic.
    """

    def __init__(self, file: BinaryIO, clock: Callable[[], float] = monotonic) -> None:
        self._file = file
        self._clock = clock
        self._lock = Lock()

    @contextmanager
    def append(
        self, client: str, stream: str, command: str, expected: int | None = None
    ) -> Iterator[Attempt]:
        """`command` is the same for every attempt of it; `expected` its precondition."""
        now = self._clock()
        attempt = Attempt(
            Append(
                client=client,
                stream=stream,
                command=command,
                invoked=now,
                returned=now,
                outcome="unknown",
                expected=expected,
            ),
            self._clock,
        )
        try:
            yield attempt
        finally:
            self._end(attempt)

    @contextmanager
    def read(
        self,
        client: str,
        stream: str,
        *,
        token: int | None = None,
        consistency: Consistency = "eventual",
        where: str = "",
    ) -> Iterator[Look]:
        """`token` is the version that is asked for at least."""
        now = self._clock()
        look = Look(
            Read(
                client=client,
                stream=stream,
                invoked=now,
                returned=now,
                outcome="unknown",
                token=token,
                consistency=consistency,
                where=where,
            ),
            self._clock,
        )
        try:
            yield look
        finally:
            self._end(look)

    def write(self, operation: Operation) -> None:
        """One line, whole or not at all as far as other threads see."""
        line = encode(operation) + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()

    def _end(self, ended: Attempt | Look) -> None:
        operation = ended.operation
        if operation.outcome == "unknown":
            operation = replace(operation, returned=self._clock())
        self.write(operation)


def _returned(before: T, decided: T, now: float) -> T:
    if before.outcome != "unknown":
        raise ValueError(f"It was decided already: {before.outcome}.")
    operation = replace(decided, returned=now)
    refuse_contradiction(operation)
    return operation
