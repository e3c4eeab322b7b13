"""DynamoDB's tables and the stream of one of them, behind the calls that the service makes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from zlib import crc32

from bitacora.simulation.cloud.calls import Calls, client_error
from bitacora.simulation.cloud.expressions import condition, update
from bitacora.simulation.cloud.stream import ChangeStream
from bitacora.simulation.faults import Fault
from reference_service.tables import Table

Item: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[Any, ...]

# Quotas: "Item size", "Query and Scan: 1 MB of data per page", "BatchGetItem: 100 items".
ITEM_BYTES = 400 * 1024
PAGE_BYTES = 1024 * 1024
BATCH_KEYS = 100
# An eventually consistent read misses at most this many of the latest writes of its table.
STALE_WRITES = 3


class Stored:
    """A table's items by partition and sort key, and how many bytes each takes."""

    def __init__(self, layout: Table, stream: ChangeStream | None = None) -> None:
        self.index = layout.index
        self.keys = [layout.partition, *([layout.sort] if layout.sort else [])]
        self.stream = stream
        self.partitions: dict[Any, dict[Any, Item]] = {}
        self.sizes: dict[int, int] = {}
        # What stood where, before each of the latest writes.
        self.before: list[tuple[Key, Item | None]] = []

    def key(self, item: Mapping[str, Any]) -> Key:
        found = [item[key.name][key.kind] for key in self.keys]
        values = [int(v) if k.kind == "N" else v for k, v in zip(self.keys, found, strict=True)]
        return values[0], values[1] if len(values) > 1 else None

    def get(self, key: Key) -> Item | None:
        return self.partitions.get(key[0], {}).get(key[1])

    def put(self, key: Key, item: Item) -> None:
        old = self.get(key)
        self.before = [*self.before[1 - STALE_WRITES :], (key, old)]
        self.partitions.setdefault(key[0], {})[key[1]] = item
        if self.stream is not None:
            self.stream.changed(self.key_of(item), old, item)

    def delete(self, key: Key) -> None:
        self.before = [*self.before[1 - STALE_WRITES :], (key, self.get(key))]
        self.partitions.get(key[0], {}).pop(key[1], None)

    def key_of(self, item: Item) -> Item:
        return {key.name: item[key.name] for key in self.keys}

    def sorted(self, partition: Any, missed: int = 0) -> list[Item]:
        """A partition's items by sort key, as they stood `missed` writes ago."""
        items = self.partitions.get(partition, {})
        if missed:
            items = dict(items)
            for (hashed, ranged), old in reversed(self.before[-missed:]):
                if hashed == partition:
                    items.pop(ranged, None)
                    if old is not None:
                        items[ranged] = old
        return [items[key] for key in sorted(items, key=lambda key: key or 0)]


class DynamoDB:
    """The client: what is asked of it and what it answers are botocore's."""

    def __init__(self, calls: Calls, tables: Mapping[str, Stored]) -> None:
        self._calls = calls
        self._tables = tables

    def put_item(self, **request: Any) -> dict[str, Any]:
        table, item = self._tables[request["TableName"]], dict(request["Item"])
        key = table.key(item)

        def effect() -> dict[str, Any]:
            if not _fit([item]) and size_bytes(item) > ITEM_BYTES:
                raise client_error("dynamodb.PutItem", "ValidationException")
            self._hold(request, table.get(key), "dynamodb.PutItem")
            table.put(key, item)
            return {}

        return self._calls.call("dynamodb.PutItem", _about(request, key), effect)

    def update_item(self, **request: Any) -> dict[str, Any]:
        table, key = self._tables[request["TableName"]], request["Key"]
        place = table.key(key)

        def effect() -> dict[str, Any]:
            standing = table.get(place)
            self._hold(request, standing, "dynamodb.UpdateItem")
            changed = {**(standing or {}), **key}
            names = request.get("ExpressionAttributeNames", {})
            values = request.get("ExpressionAttributeValues", {})
            update(request["UpdateExpression"])(changed, names, values)
            table.put(place, changed)
            return {}

        return self._calls.call("dynamodb.UpdateItem", _about(request, place), effect)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        key = table.key(request["Key"])

        def effect() -> dict[str, Any]:
            self._hold(request, table.get(key), "dynamodb.DeleteItem")
            table.delete(key)
            return {}

        return self._calls.call("dynamodb.DeleteItem", _about(request, key), effect)

    def get_item(self, **request: Any) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        partition, ranged = table.key(request["Key"])

        def effect() -> dict[str, Any]:
            found = table.sorted(partition, self._missed(request))
            items = [item for item in found if table.key(item)[1] == ranged]
            return {"Item": items[0]} if items else {}

        return self._calls.call("dynamodb.GetItem", _about(request, (partition, ranged)), effect)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((name, asked),) = request["RequestItems"].items()
        table, keys = self._tables[name], asked["Keys"]

        def effect() -> dict[str, Any]:
            if not 1 <= len(keys) <= BATCH_KEYS:
                raise client_error("dynamodb.BatchGetItem", "ValidationException")
            cut = len(keys)
            if self._calls.befalls(Fault.UNPROCESSED_KEYS, name):
                cut = self._calls.which("unprocessed keys from", len(keys))
            found = [table.get(table.key(key)) for key in keys[:cut]]
            left = {name: {**asked, "Keys": keys[cut:]}} if cut < len(keys) else {}
            return {
                "Responses": {name: [item for item in found if item is not None]},
                "UnprocessedKeys": left,
            }

        return self._calls.call("dynamodb.BatchGetItem", name, effect)

    def query(self, **request: Any) -> dict[str, Any]:
        table = self._tables[request["TableName"]]
        names = request["ExpressionAttributeNames"]
        values = request["ExpressionAttributeValues"]
        wanted = condition(request["KeyConditionExpression"])
        (partition,) = values[f":{names[f'#{table.keys[0].name}']}"].values()

        def effect() -> dict[str, Any]:
            items = table.sorted(partition, self._missed(request))
            found = [item for item in items if wanted(item, names, values)]
            if not request.get("ScanIndexForward", True):
                found.reverse()
            return _page(request, table, found)

        return self._calls.call("dynamodb.Query", _about(request, (partition,)), effect)

    def scan(self, **request: Any) -> dict[str, Any]:
        table = self._tables[request["TableName"]]

        def effect() -> dict[str, Any]:
            missed, segments = self._missed(request), request.get("TotalSegments", 1)
            partitions = [
                partition
                for partition in table.partitions
                if hashed(partition) % segments == request.get("Segment", 0)
            ]
            found = [
                item
                for partition in sorted(partitions, key=hashed)
                for item in table.sorted(partition, missed)
                if "IndexName" not in request or _in_index(table, item)
            ]
            return _page(request, table, found)

        return self._calls.call("dynamodb.Scan", request["TableName"], effect)

    def _missed(self, request: Mapping[str, Any]) -> int:
        """How many of the latest writes a read does not show."""
        if request.get("ConsistentRead") or not self._calls.befalls(
            Fault.STALE_READ, request["TableName"]
        ):
            return 0
        return 1 + self._calls.which("writes missed", STALE_WRITES)

    def _hold(self, request: Mapping[str, Any], standing: Item | None, operation: str) -> None:
        """Raises ConditionalCheckFailedException, with the item that stands if that was asked."""
        if "ConditionExpression" not in request:
            return
        names = request.get("ExpressionAttributeNames", {})
        values = request.get("ExpressionAttributeValues", {})
        if condition(request["ConditionExpression"])(standing or {}, names, values):
            return
        wanted = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        more = {"Item": standing} if wanted and standing is not None else {}
        raise client_error(operation, "ConditionalCheckFailedException", **more)


def _page(request: Mapping[str, Any], table: Stored, items: list[Item]) -> dict[str, Any]:
    """What fits in a page, after the key that the last one ended with."""
    start = request.get("ExclusiveStartKey")
    if start is not None:
        after = table.key(start)
        items = list(_after(table, items, after))
    limit, taken, bytes_taken = request.get("Limit"), 0, 0
    if _fit(items) and (limit is None or len(items) < limit):
        return {"Items": [_projected(request, item) for item in items]}
    for item in items:
        if taken == limit:
            break
        bytes_taken += size_bytes(item)
        taken += 1
        if bytes_taken >= PAGE_BYTES:
            break
    shown = items[:taken]
    page: dict[str, Any] = {"Items": [_projected(request, item) for item in shown]}
    if shown and (taken < len(items) or taken == limit):
        # As DynamoDB does: a page that the limit ends has a key, though nothing may follow.
        page["LastEvaluatedKey"] = table.key_of(shown[-1])
    return page


def _after(table: Stored, items: list[Item], after: Key) -> Iterator[Item]:
    """The items beyond a key in the order of a scan, whether or not there is an item with it."""
    mark = (hashed(after[0]), after[0], after[1] or 0)
    for item in items:
        partition, ranged = table.key(item)
        if (hashed(partition), partition, ranged or 0) > mark:
            yield item


def _in_index(table: Stored, item: Item) -> bool:
    index = table.index
    return index is not None and index.partition.name in item and index.sort.name in item


def _projected(request: Mapping[str, Any], item: Item) -> Item:
    if "ProjectionExpression" not in request:
        return item
    names = request["ExpressionAttributeNames"]
    wanted = {names[name.strip()] for name in request["ProjectionExpression"].split(",")}
    return {name: value for name, value in item.items() if name in wanted}


def hashed(partition: str) -> int:
    """Where a partition stands in a scan: by its hash, so in no order that means anything."""
    return crc32(str(partition).encode())


def _fit(items: Sequence[Mapping[str, Any]]) -> bool:
    """Whether items are few and small at first sight: a quick yes, no reckoning."""
    return len(items) <= 20 and all(
        len(item) <= 25
        and all(len(value) <= 2_000 for one in item.values() for value in one.values())
        for item in items
    )


def size_bytes(item: Mapping[str, Any]) -> int:
    """Source: "DynamoDB item sizes and formats"; a number takes about a byte per two digits."""
    size = 0
    for name, attribute in item.items():
        ((kind, value),) = attribute.items()
        size += len(name)
        if kind == "N":
            size += (len(value) + 1) // 2 + 1
        else:
            size += len(value) if kind == "B" else len(value.encode())
    return size


def _about(request: Mapping[str, Any], key: Key) -> str:
    return f"{request['TableName']} {'/'.join(str(part) for part in key if part is not None)}"
