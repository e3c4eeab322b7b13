"""What may go wrong in a simulated history: a closed set of kinds, each with one meaning."""

from enum import Enum


class Fault(Enum):
    """The value is the name that `--faults` takes."""

    THROTTLED = "throttled"
    NO_ANSWER = "no-answer"
    LOST_ANSWER = "lost-answer"
    LATE_EFFECT = "late-effect"
    SDK_REPEAT = "sdk-repeat"
    OUTAGE = "outage"
    KILLED_BEFORE = "killed-before"
    KILLED_AFTER = "killed-after"
    PARTIAL_PUT_RECORDS = "partial-put-records"
    PARTIAL_PUT_EVENTS = "partial-put-events"
    UNPROCESSED_KEYS = "unprocessed-keys"
    STALE_READ = "stale-read"
    REORDERED_STREAM = "reordered-stream"
    LOST_FUNCTION_ANSWER = "lost-function-answer"
    REPEATED_BATCH = "repeated-batch"
    OLD_CHECKPOINT = "old-checkpoint"
    GIVEN_UP = "given-up"
    EXPIRED = "expired"
    SHARD_SPLIT = "shard-split"
    SHARD_MERGE = "shard-merge"
    REPEATED_MESSAGE = "repeated-message"
    REORDERED_MESSAGE = "reordered-message"
    VISIBLE_TOO_SOON = "visible-too-soon"
    CLOCK_SKEW = "clock-skew"

    # An enum's own is slow for what every call asks: which kinds are enabled.
    __hash__ = object.__hash__


MEANINGS: dict[Fault, str] = {
    Fault.THROTTLED: "A service refuses a call; nothing was done.",
    Fault.NO_ANSWER: "A call is not answered; nothing was done.",
    Fault.LOST_ANSWER: "A call is not answered; it was done.",
    Fault.LATE_EFFECT: "A call is not answered; it is done when nobody waits for it any more.",
    Fault.SDK_REPEAT: "The SDK sends a call again that was done but not answered.",
    Fault.OUTAGE: "A service answers nothing for a while; the first call may have been done.",
    Fault.KILLED_BEFORE: "A function ends just before a call to a store.",
    Fault.KILLED_AFTER: "A function ends right after a call to a store.",
    Fault.PARTIAL_PUT_RECORDS: "PutRecords takes some records of a call and refuses others.",
    Fault.PARTIAL_PUT_EVENTS: "PutEvents takes some events of a call and refuses others.",
    Fault.UNPROCESSED_KEYS: "BatchGetItem leaves keys unread.",
    Fault.STALE_READ: "An eventually consistent read misses the latest writes.",
    Fault.REORDERED_STREAM: "The DynamoDB stream shows a commit before an earlier one.",
    Fault.LOST_FUNCTION_ANSWER: "A mapping never hears that the function is done with a batch.",
    Fault.REPEATED_BATCH: "A mapping delivers a batch again that the function had succeeded with.",
    Fault.OLD_CHECKPOINT: "A mapping begins again at an earlier record of its shard.",
    Fault.GIVEN_UP: "A mapping gives a failing batch up: it goes to the failures bucket.",
    Fault.EXPIRED: "A record of the log is gone before a consumer has read it.",
    Fault.SHARD_SPLIT: "A shard of the log is split.",
    Fault.SHARD_MERGE: "Two shards of the log are merged.",
    Fault.REPEATED_MESSAGE: "A queue holds a message twice.",
    Fault.REORDERED_MESSAGE: "A queue hands out a later message first.",
    Fault.VISIBLE_TOO_SOON: "A message is handed out again while a function is at work on it.",
    Fault.CLOCK_SKEW: "The clock of a function is wrong by up to an hour.",
}
assert MEANINGS.keys() == set(Fault)
