"""The event store on DynamoDB: one item per commit, one conditional put per append."""

import time
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from reference_service.aws.faults import (
    CONDITION_FAILED,
    code,
    is_transient,
    unavailable_when_transient,
)
from reference_service.aws.items import from_item, to_item
from reference_service.cqrs.commit import Commit, check_size
from reference_service.cqrs.store import Appended, Conflict, Head, History, Unknown
from reference_service.schemas import Undecodable
from reference_service.tables import EVENTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

assert EVENTS.sort
STREAM, COMMIT = EVENTS.partition.name, EVENTS.sort.name
FIRST_PAUSE_S = 0.05
# What a head is made of; all three are reserved words in expressions.
_HEAD = {"#stream": STREAM, "#commit": COMMIT, "#hash": "hash", "#at": "at"}


class DynamoDBEventStore:
    """`append_deadline_s` bounds the repeats of a put that is not answered."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        append_deadline_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = table
        self._append_deadline_s = append_deadline_s
        self._clock = clock
        self._pause = pause

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        commits: list[Commit] = []
        page: dict[str, Any] = {}
        while True:
            with unavailable_when_transient(f"loading {stream}"):
                answer = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#stream = :stream AND #commit > :after",
                    ExpressionAttributeNames={"#stream": STREAM, "#commit": COMMIT},
                    ExpressionAttributeValues={
                        ":stream": {"S": stream},
                        ":after": {"N": str(after)},
                    },
                    ConsistentRead=True,
                    **page,
                )
            commits += map(from_item, answer["Items"])
            if not answer.get("LastEvaluatedKey"):
                return commits
            page = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def append(self, commit: Commit) -> Appended | Conflict | Unknown:
        """Put the same item until there is an answer, within the deadline.

        A repeat of a put that did commit fails its own condition; the old item in the answer then
        carries our commit id. Source: PutItem, ReturnValuesOnConditionCheckFailure.
        """
        check_size(commit)
        item = to_item(commit)
        deadline, pause_s = self._clock() + self._append_deadline_s, FIRST_PAUSE_S
        while True:
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=item,
                    ConditionExpression="attribute_not_exists(#stream)",
                    ExpressionAttributeNames={"#stream": STREAM},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
                return Appended()
            except ClientError as error:
                if code(error) == CONDITION_FAILED:
                    winner = from_item(error.response["Item"])  # type: ignore[typeddict-item]
                    return Appended() if winner.commit_id == commit.commit_id else Conflict(winner)
                if not is_transient(error):
                    raise
                last = str(error)
            except Exception as error:
                if not is_transient(error):
                    raise
                last = str(error)
            if self._clock() + pause_s >= deadline:
                return Unknown(last)
            self._pause(pause_s)
            pause_s *= 2

    def heads(
        self, cursor: str | None, limit: int, *, consistent: bool = False
    ) -> tuple[list[Head], str | None]:
        """A page of a scan; consistent ones take twice the read units.

        A page may cut its last stream: that head is asked for, and the rest of it passed over when
        the next page begins. So a page may even hold no head at all. A consistent scan holds every
        write that was completed before it began (Scan, ConsistentRead), and no scan anything that
        was not committed ("Read-committed isolation").
        """
        start = {"ExclusiveStartKey": _key(cursor)} if cursor else {}
        with unavailable_when_transient("scanning the heads"):
            answer = self._client.scan(
                TableName=self._table,
                ProjectionExpression=", ".join(_HEAD),
                ExpressionAttributeNames=_HEAD,
                ConsistentRead=consistent,
                Limit=limit,
                **start,  # type: ignore[arg-type]
            )
        heads: dict[str, Head] = {}  # the items of a stream come in the order of their numbers
        for found in map(_head, answer["Items"]):
            heads[found.stream] = found
        if cursor:
            heads.pop(_key(cursor)[STREAM]["S"], None)
        last = answer.get("LastEvaluatedKey")
        cut = last[STREAM]["S"] if last else ""
        if cut in heads:
            heads[cut] = self._head(cut)
        following = f"{last[COMMIT]['N']}/{cut}" if last else None
        return list(heads.values()), following

    def histories(
        self, cursor: str | None, *, segment: int = 0, segments: int = 1
    ) -> tuple[list[History], str | None]:
        """A page of a parallel scan: what fits in 1 MB.

        The items of a stream lie together, in one segment. What the page cuts is loaded whole, and
        its rest passed over when the next page begins.
        """
        start = {"ExclusiveStartKey": _key(cursor)} if cursor else {}
        with unavailable_when_transient(f"scanning segment {segment} of {segments}"):
            answer = self._client.scan(
                TableName=self._table,
                ConsistentRead=True,
                Segment=segment,
                TotalSegments=segments,
                **start,  # type: ignore[arg-type]
            )
        last = answer.get("LastEvaluatedKey")
        begun = _key(cursor)[STREAM]["S"] if cursor else None
        cut = last[STREAM]["S"] if last else None
        found = []
        for stream, items in groupby(answer["Items"], key=lambda item: item[STREAM]["S"]):
            if stream == cut and stream != begun:
                found.append(self._history(stream))
            elif stream != begun:
                found.append(_read(stream, list(items)))
        return found, f"{last[COMMIT]['N']}/{cut}" if last else None

    def _history(self, stream: str) -> History:
        try:
            return History(stream, self.load(stream))
        except Undecodable as fault:
            return History(stream, [], str(fault))

    def _head(self, stream: str) -> Head:
        with unavailable_when_transient(f"reading the head of {stream}"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="#stream = :stream",
                ProjectionExpression=", ".join(_HEAD),
                ExpressionAttributeNames=_HEAD,
                ExpressionAttributeValues={":stream": {"S": stream}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=1,
            )
        return _head(answer["Items"][0])


def _head(item: Mapping[str, Any]) -> Head:
    digest, at = item.get("hash", {}).get("B", b""), item.get("at", {}).get("S", "")
    return Head(item[STREAM]["S"], int(item[COMMIT]["N"]), digest.hex(), at)


def _read(stream: str, items: list[Mapping[str, Any]]) -> History:
    try:
        commits = [from_item(item) for item in items]
    except Undecodable as fault:
        return History(stream, [], str(fault))
    return History(stream, sorted(commits, key=lambda commit: commit.commit))


def _key(cursor: str) -> dict[str, Any]:
    number, _, stream = cursor.partition("/")
    return {STREAM: {"S": stream}, COMMIT: {"N": number}}
