"""What became of each command of a stream, from the answers to its attempts."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from bitacora.audit.history.observed import Observed
from bitacora.audit.history.operations import CONFLICT, Append, Operation
from bitacora.audit.history.piece import Tell


class Step(Struct, gc=False):
    """A stream went from version `start` to `end`, as `by` shows.

    It did so after `began` was invoked and before `answered` returned, where those are known, and
    after the command's own conflicts, `refused`: an attempt that met a command which was done
    already would have been told so. `open`: which append did it is not known.
    """

    start: int
    end: int
    by: Operation | None
    began: Append | None = None
    answered: Append | None = None
    refused: tuple[Append, ...] = ()
    open: bool = False


class Unanswered(Struct, gc=False):
    """A command of which it is not known whether it was done.

    `began` has by the version that it expected (None for any) its earliest attempt. It was not
    done before its own conflicts, `refused`.
    """

    command: str
    began: dict[int | None, Append]
    refused: tuple[Append, ...] = ()

    def since(self, expected: int | None) -> float:
        """The moment after which its effect from there is possible."""
        return max(each.invoked for each in (self.began[expected], *self.refused))

    @property
    def floor(self) -> int:
        """The version that it was told to be at before it was done."""
        return max((each.version or 0 for each in self.refused), default=0)

    def fits(self, start: int, arrived: float) -> bool:
        """Whether its own conflicts let it be done from a version that was reached by then.

        One that fits a step in time fits every later one: a conflict that is in the way of a later
        one was invoked after that version was reached, and so after `since`.
        """
        return not any(at_odds(each, start, arrived) for each in self.refused)


def at_odds(conflict: Append, start: int, arrived: float) -> bool:
    """Whether a command's own conflict came after its effect from `start`, reached by `arrived`.

    The effect came after the conflict, so the conflict saw no later version than `start`; and if
    it says that it was not that one, it came before that one was reached.
    """
    if conflict.version is not None:
        return conflict.version > start
    return conflict.expected == start and arrived < conflict.invoked


class Commands(Struct, gc=False):
    """`done` in any order; `conflicts` are those that told no version but what it was not."""

    done: list[Step]
    unanswered: list[Unanswered]
    conflicts: list[Append]


def commands(observed: Observed, tell: Tell) -> Commands:
    """Sorts the commands of a stream by what became of them."""
    found = Commands([], [], [])
    done, repeated = found.done, observed.repeated
    for command, attempt in observed.attempts.items():
        if command in repeated:
            _several(repeated[command], found, tell)
        elif attempt.outcome == "ok":
            start = attempt.version - attempt.count  # type: ignore[operator]  # an ok one has both
            if start < 0:
                _wrong_count(attempt, tell)
                continue
            if attempt.expected is not None and attempt.expected != start:
                _broken_precondition([attempt], start, attempt, tell)
            done.append(Step(start, start + attempt.count, attempt, attempt, attempt))  # type: ignore[operator]
        elif attempt.outcome == "unknown":
            began: dict[int | None, Append] = {attempt.expected: attempt}
            found.unanswered.append(Unanswered(command, began))
        else:
            _conflict(attempt, found, tell)
    return found


def _several(attempts: Sequence[Append], found: Commands, tell: Tell) -> None:
    answers = [each for each in attempts if each.outcome == "ok"]
    conflicts = tuple(each for each in attempts if each.reason == CONFLICT)
    for each in conflicts:
        _conflict(each, found, tell)
    if answers:
        _answered(attempts, answers, conflicts, found, tell)
    elif any(each.outcome == "unknown" for each in attempts):
        began = earliest(each for each in attempts if each.outcome == "unknown")
        found.unanswered.append(Unanswered(attempts[0].command, began, conflicts))


def _answered(
    attempts: Sequence[Append],
    answers: Sequence[Append],
    conflicts: tuple[Append, ...],
    found: Commands,
    tell: Tell,
) -> None:
    first = min(answers, key=lambda each: each.returned)
    version, count = first.version or 0, first.count or 0
    for each in answers:
        if (each.version, each.count) != (version, count):
            tell("changed-answer", f"{_answer(first)}, then {_answer(each)}.", (first, each))
    start = version - count
    if start < 0:
        _wrong_count(first, tell)
        return
    began = possible_start(attempts, start)
    if began is None:
        _broken_precondition(attempts, start, first, tell)
    found.done.append(Step(start, version, first, began, first, conflicts))


def possible_start(attempts: Sequence[Append], start: int) -> Append | None:
    """The earliest attempt that can have taken effect at this version."""
    able = [
        each
        for each in attempts
        if each.outcome != "failed" and (each.expected is None or each.expected == start)
    ]
    return min(able, key=lambda each: each.invoked, default=None)


def earliest(attempts: Iterable[Append]) -> dict[int | None, Append]:
    """The earliest attempt for each version that was expected."""
    began: dict[int | None, Append] = {}
    for each in sorted(attempts, key=lambda each: each.invoked):
        began.setdefault(each.expected, each)
    return began


def _conflict(attempt: Append, found: Commands, tell: Tell) -> None:
    if attempt.reason != CONFLICT or attempt.expected is None:
        return
    if attempt.version is None:
        found.conflicts.append(attempt)
    elif attempt.version == attempt.expected:
        detail = f"It expected version {attempt.expected}, and was told that very version."
        tell("unexplained-conflict", detail, (attempt,))


def _wrong_count(answer: Append, tell: Tell) -> None:
    tell("wrong-count", f"{_answer(answer)}: there is no version before 1.", (answer,))


def _broken_precondition(
    attempts: Sequence[Append], start: int, answer: Append, tell: Tell
) -> None:
    expected = sorted({each.expected for each in attempts if each.expected is not None})
    wanted = " or ".join(map(str, expected))
    detail = f"It expected version {wanted} and was appended to version {start}."
    able = [each for each in attempts if each.outcome != "failed"]
    tell("broken-precondition", detail, (answer, *able))


def _answer(append: Append) -> str:
    events = "event" if append.count == 1 else "events"
    return f"{append.command} was told version {append.version} after {append.count} {events}"
