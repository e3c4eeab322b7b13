"""What is promised, and what a history can hold against it: closed sets, each with one meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from bitacora.audit.history.operations import Operation

Promise = Literal[
    "linearizable",
    "versions",
    "commands",
    "monotonic-reads",
    "read-your-writes",
    "store",
    "downstream",
]

PROMISES: Mapping[Promise, str] = {
    "linearizable": "Appends, conflicts and strong reads of a stream fit one order that the clock "
    "allows.",
    "versions": "Every version of a stream was written by one append, without a gap.",
    "commands": "A command has one effect, and each of its attempts is told the same.",
    "monotonic-reads": "A client's reads of a stream never go backwards.",
    "read-your-writes": "A read with a token never answers with an older version.",
    "store": "The event store holds what was acknowledged, and nothing that nobody asked for.",
    "downstream": "Every consumer shows all that was stored, and nothing else.",
}
assert PROMISES.keys() == set(get_args(Promise))

Kind = Literal[
    "out-of-order",
    "stale-strong-read",
    "read-of-the-future",
    "broken-precondition",
    "unexplained-conflict",
    "torn-read",
    "same-version",
    "wrong-count",
    "gap",
    "phantom-version",
    "changed-answer",
    "repeated-command",
    "backwards-read",
    "stale-read",
    "broken-store",
    "lost-append",
    "moved-append",
    "invented-commit",
    "failed-append-stored",
    "missing-downstream",
    "invented-downstream",
    "repeated-downstream",
]

MEANINGS: Mapping[Kind, str] = {
    "out-of-order": "An append has a higher version than one that began after it had ended.",
    "stale-strong-read": "A strong read tells an older version than was told before it began.",
    "read-of-the-future": "A version was told before the append that wrote it began.",
    "broken-precondition": "An append succeeded on another version than it expected.",
    "unexplained-conflict": "An append was refused for a conflict that can't have been.",
    "torn-read": "A version was told that lies within the events of one append.",
    "same-version": "Two commands were told the same version of a stream.",
    "wrong-count": "An append was told a version that is lower than the number of its events.",
    "gap": "An append stands on a version that no append can have written.",
    "phantom-version": "A version was told that no append can have written.",
    "changed-answer": "A repeated command was told something else than before.",
    "repeated-command": "The event store holds a command twice.",
    "backwards-read": "A client was told an older version than it had been told before.",
    "stale-read": "A read was told an older version than its token.",
    "broken-store": "The commits of the event store are not numbered without a hole.",
    "lost-append": "An acknowledged append is not in the event store.",
    "moved-append": "An acknowledged append is in the event store with other versions.",
    "invented-commit": "The event store holds a commit that no append can have written.",
    "failed-append-stored": "The event store holds an append that was told to have failed.",
    "missing-downstream": "A consumer does not show what was stored.",
    "invented-downstream": "A consumer shows what was not stored.",
    "repeated-downstream": "A consumer holds an event twice.",
}
assert MEANINGS.keys() == set(get_args(Kind))

PROMISED: Mapping[Kind, Promise] = {
    "out-of-order": "linearizable",
    "stale-strong-read": "linearizable",
    "read-of-the-future": "linearizable",
    "broken-precondition": "linearizable",
    "unexplained-conflict": "linearizable",
    "torn-read": "linearizable",
    "same-version": "versions",
    "wrong-count": "versions",
    "gap": "versions",
    "phantom-version": "versions",
    "changed-answer": "commands",
    "repeated-command": "commands",
    "backwards-read": "monotonic-reads",
    "stale-read": "read-your-writes",
    "broken-store": "store",
    "lost-append": "store",
    "moved-append": "store",
    "invented-commit": "store",
    "failed-append-stored": "store",
    "missing-downstream": "downstream",
    "invented-downstream": "downstream",
    "repeated-downstream": "downstream",
}
assert PROMISED.keys() == MEANINGS.keys()


@dataclass(frozen=True)
class Finding:
    """`piece` is the shortest part of the history that shows it, `lines` their numbers from 1."""

    kind: Kind
    stream: str
    detail: str
    lines: tuple[int, ...]
    piece: tuple[Operation, ...]
