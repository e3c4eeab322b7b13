"""A read model in a DynamoDB table: one item per stream holds its gate, its row and its marker.

So one conditional write changes all three at once, and nothing locks. Several streams are several
writes: there is no batch of conditional writes, and a transaction would cost twice the write units.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from botocore.exceptions import ClientError

from reference_service.aws.faults import code, unavailable_when_transient
from reference_service.cqrs.commit import timestamp
from reference_service.cqrs.gate import START, Gate
from reference_service.cqrs.parking import Parked
from reference_service.cqrs.projection import Advance, Meanwhile, Position, Unstorable, nothing
from reference_service.cqrs.store import Unavailable
from reference_service.struct_types import build
from reference_service.tables import ORDER_STATUS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

assert ORDER_STATUS.index
STREAM, PARKED = ORDER_STATUS.partition.name, ORDER_STATUS.index.sort.name
INDEX = ORDER_STATUS.index.name
# The attributes beside the row's own. `at` is the time of the last commit applied, `since` when the
# stream was parked at that commit.
OWN = (STREAM, "commit", "hash", "at", PARKED, "reason", "since")
# BatchGetItem takes 100 keys, and may give back some of them unread.
BATCH_KEYS = 100
ATTEMPTS = 6
FIRST_PAUSE_S = 0.05
# Below the SDK's pool of 10 connections.
WRITERS = 8
# A marker must never make an item dear, or too large.
REASON_CHARACTERS = 400

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class _Change:
    """Attributes that an advance sets, and those that it removes."""

    set: dict[str, dict[str, Any]]
    remove: tuple[str, ...]

    def stands_in(self, item: Item) -> bool:
        return all(item.get(name) == value for name, value in self.set.items()) and not any(
            name in item for name in self.remove
        )


Outcome: TypeAlias = bool | Unavailable | Unstorable
# Makes the write of every advance, in any order; their outcomes in the order of the advances.
Each: TypeAlias = Callable[[Callable[[Advance], Outcome], Sequence[Advance]], list[Outcome]]


def several_at_a_time(
    write: Callable[[Advance], Outcome], advances: Sequence[Advance]
) -> list[Outcome]:
    with ThreadPoolExecutor(WRITERS) as writers:
        return list(writers.map(write, advances))


class DynamoDBReadModel:
    """`row` is a flat msgspec struct of texts and integers; a field that is None has no attribute.

    Raises ValueError when one of its fields has a name in OWN.
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        row: type[msgspec.Struct],
        *,
        pause: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        each: Each = several_at_a_time,
    ) -> None:
        if taken := set(OWN) & set(row.__struct_fields__):
            raise ValueError(f"{row.__name__} has fields of the gate: {sorted(taken)}")
        build(row)
        self._client = client
        self._table = table
        self._row = row
        self._pause = pause
        self._now = now
        self._each = each

    def look_up(self, stream: str) -> Position:
        """One eventually consistent read: half a unit up to 4 KB. Raises Unavailable."""
        with unavailable_when_transient(f"looking {stream} up"):
            answer = self._client.get_item(TableName=self._table, Key={STREAM: {"S": stream}})
        return self._position(answer.get("Item", {}))

    def positions(
        self, streams: Sequence[str], meanwhile: Meanwhile = nothing
    ) -> dict[str, Position]:
        meanwhile()
        asked = list(dict.fromkeys(streams))
        found: dict[str, Item] = {}
        for start in range(0, len(asked), BATCH_KEYS):
            for item in self._read(asked[start : start + BATCH_KEYS]):
                found[item[STREAM]["S"]] = item
        return {stream: self._position(found.get(stream, {})) for stream in asked}

    def advance(self, advances: Sequence[Advance]) -> set[str]:
        """One write per stream, several at a time. What is throttled is left out of the answer.

        Raises Unavailable only when nothing was done, Unstorable whatever else was.
        """
        outcomes = self._each(self._write, advances)
        for outcome in outcomes:
            if isinstance(outcome, Unstorable):
                raise outcome
        done = {one.stream for one, won in zip(advances, outcomes, strict=True) if won is True}
        faults = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
        if faults and not done:
            raise faults[0]
        return done

    def parked(self, name: str, cursor: str | None, limit: int) -> tuple[list[Parked], str | None]:
        """A page of what is parked in the read model `name`, and the cursor of the next page.

        The cursor is None after the last. In no order, and what is a second old may be missing: an
        index is eventually consistent. Raises Unavailable.
        """
        start: dict[str, Any] = {"ExclusiveStartKey": _key(cursor)} if cursor else {}
        with unavailable_when_transient("listing what is parked"):
            page = self._client.scan(TableName=self._table, IndexName=INDEX, Limit=limit, **start)
        last = page.get("LastEvaluatedKey")
        return (
            [_parked(name, item) for item in page["Items"]],
            f"{last[PARKED]['N']}/{last[STREAM]['S']}" if last else None,
        )

    def _read(self, streams: Sequence[str]) -> list[Item]:
        """The items that there are, strongly consistent.

        What was not processed is asked for again, within a bound.
        Source: BatchGetItem, UnprocessedKeys ("use an exponential backoff algorithm").
        """
        keys: Any = [{STREAM: {"S": stream}} for stream in streams]
        items: list[Item] = []
        pause_s = FIRST_PAUSE_S
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(pause_s)
                pause_s *= 2
            with unavailable_when_transient("reading the gates"):
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            items += answer["Responses"].get(self._table, [])
            left = answer.get("UnprocessedKeys", {}).get(self._table)
            if not left:
                return items
            keys = left["Keys"]
        raise Unavailable(f"reading the gates: {len(keys)} keys were left out {ATTEMPTS} times")

    def _write(self, advance: Advance) -> Outcome:
        """Whether it was done; a fault is an answer too, so that no other stream's is lost."""
        change = self._change(advance)
        try:
            with unavailable_when_transient(f"advancing {advance.stream}"):
                self._client.update_item(**self._update(advance, change))
        except Unavailable as fault:
            return fault
        except ClientError as error:
            match code(error):
                case "ConditionalCheckFailedException":
                    # The SDK repeats a write whose answer was lost: then our own stands there.
                    standing: Any = error.response.get("Item", {})
                    return change.stands_in(standing)
                case "ValidationException":
                    return Unstorable(str(error))
            raise
        return True

    def _update(self, advance: Advance, change: _Change) -> dict[str, Any]:
        expected = "(#commit = :start AND #hash = :start_hash)"
        if advance.start == START:
            expected = f"attribute_not_exists(#{STREAM}) OR {expected}"
        sets = [f"#{name} = :{name}" for name in change.set]
        values = {f":{name}": value for name, value in change.set.items()}
        names = {*change.set, *change.remove, *({STREAM} if advance.start == START else ())}
        if advance.park:
            # What is parked once more where it stands has stood there since the first time.
            stays = advance.start == advance.end
            sets.append("#since = " + ("if_not_exists(#since, :since)" if stays else ":since"))
            values[":since"] = {"S": timestamp(self._now())}
            names.add("since")
        removes = [f"#{name}" for name in change.remove]
        return {
            "TableName": self._table,
            "Key": {STREAM: {"S": advance.stream}},
            "ConditionExpression": expected,
            "UpdateExpression": f"SET {', '.join(sets)}"
            + (f" REMOVE {', '.join(removes)}" if removes else ""),
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
            "ExpressionAttributeValues": {
                **values,
                ":start": {"N": str(advance.start.commit)},
                ":start_hash": {"B": bytes.fromhex(advance.start.hash)},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _change(self, advance: Advance) -> _Change:
        values: dict[str, Any] = {
            "commit": advance.end.commit,
            "hash": bytes.fromhex(advance.end.hash),
            PARKED: advance.park.commit if advance.park else None,
            "reason": _storable(advance.park.reason) if advance.park else None,
        }
        if advance.park is None:
            values["since"] = None
        if advance.at is not None:
            values["at"] = advance.at
        if advance.row is not None:
            values |= msgspec.structs.asdict(advance.row)
        return _Change(
            {name: _attribute(value) for name, value in values.items() if value is not None},
            tuple(name for name, value in values.items() if value is None),
        )

    def _position(self, item: Item) -> Position:
        """Of an item whose row can't be read: parked, for nothing can be folded onto it."""
        if not item:
            return Position()
        gate = Gate(int(item["commit"]["N"]), bytes(item["hash"]["B"]).hex())
        parked = item["reason"]["S"] if PARKED in item else None
        fields = self._row.__struct_fields__
        if not any(name in item for name in fields):
            return Position(gate, parked)
        try:
            row = msgspec.convert({name: _value(item.get(name)) for name in fields}, self._row)
        except ValueError as fault:
            return Position(gate, parked or f"the row can't be read: {fault}")
        return Position(gate, parked, row)


def _attribute(value: str | int | bytes) -> dict[str, Any]:
    match value:
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case _:
            return {"S": value}


def _value(attribute: Mapping[str, Any] | None) -> Any:
    if attribute is None:
        return None
    ((kind, value),) = attribute.items()
    return int(value) if kind == "N" else value


def _parked(name: str, item: Item) -> Parked:
    return Parked(
        consumer=name,
        stream=item[STREAM]["S"],
        commit=int(item[PARKED]["N"]),
        reason=item["reason"]["S"],
        since=item["since"]["S"] if "since" in item else None,
    )


def _key(cursor: str) -> dict[str, Any]:
    number, _, stream = cursor.partition("/")
    return {STREAM: {"S": stream}, PARKED: {"N": number}}


def _storable(reason: str) -> str:
    """A marker must never be refused: half a pair of surrogates is no text for DynamoDB."""
    return reason[:REASON_CHARACTERS].encode("utf-8", "replace").decode()
