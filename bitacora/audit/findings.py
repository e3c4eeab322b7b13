"""What an audit can find: a closed set of kinds, each with one meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "no-commit",
    "altered-commit",
    "broken-chain",
    "gap",
    "wrong-version",
    "wrong-count",
    "wrong-time",
    "repeated-command",
    "unreadable-event",
    "fork",
    "ahead",
    "altered-row",
    "altered-sum",
    "parked",
    "unfinished-erasure",
    "missing-event",
    "invented-event",
    "altered-event",
    "cut-off",
    "removed-stream",
    "anchor-mismatch",
    "broken-anchor",
    "unlocked-anchor",
]

MEANINGS: Mapping[Kind, str] = {
    "no-commit": "An item of the event store is no commit.",
    "altered-commit": "A commit is not what its hash was made of.",
    "broken-chain": "A commit's prev is not the hash of the commit before it.",
    "gap": "The commits of a stream are not numbered 1, 2, 3 without a hole.",
    "wrong-version": "A commit's first version does not follow the last one of the commit before.",
    "wrong-count": "A commit's count is not the number of events in its body.",
    "wrong-time": "A commit's time is none, or before the time of the commit before it.",
    "repeated-command": "Two commits of a stream come from the same command.",
    "unreadable-event": "An event breaks its contract, or cannot follow what happened before.",
    "fork": "The read model applied a commit that is not the one of that number in the store.",
    "ahead": "The read model applied a commit that the event store does not hold.",
    "altered-row": "A row of the read model is not what the events up to its gate come to.",
    "altered-sum": "A sum of the read model is not what its rows come to.",
    "parked": "A consumer stopped at a commit of this stream and waits for an operator.",
    "unfinished-erasure": "Personal data was erased, and its key still stands after that.",
    "missing-event": "A public event of the event store is not in the ledger after the grace time.",
    "invented-event": "The ledger holds an event that no stored commit calls for.",
    "altered-event": "The ledger holds an event with another content than its commit calls for.",
    "cut-off": "A stream of the event store ends before a commit that was anchored.",
    "removed-stream": "A stream that was anchored is not in the event store.",
    "anchor-mismatch": "A commit has another hash than was anchored: its history was written anew.",
    "broken-anchor": "An anchor is missing, or not what was anchored.",
    "unlocked-anchor": "Somebody could remove an anchor: it is not locked.",
}
assert MEANINGS.keys() == set(get_args(Kind))


@dataclass(frozen=True)
class Finding:
    """`commit` is None where no single commit is to blame; `detail` never repeats event data.

    `stream` is empty for what is about no stream.
    """

    stream: str
    commit: int | None
    kind: Kind
    detail: str
