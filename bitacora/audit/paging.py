"""Reads the stores page by page, past the service's own code: at most one stream whole."""

import json
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

from botocore.exceptions import ClientError

from bitacora.audit.observation import SHIPMENT
from bitacora.audit.reading import LEDGER_PREFIX, LEDGER_SUFFIX, CloudStores, ReadModelViews
from bitacora.audit.source import (
    Copies,
    Item,
    Kept,
    Marker,
    Shipment,
    Stored,
    View,
    Witness,
)
from reference_service.aws.personal_keys import DynamoDBPersonalKeys
from reference_service.cqrs.anchor import UNPACKED_LIMIT_BYTES
from reference_service.cqrs.gate import Gate
from reference_service.tables import EVENTS, ORDER_STATUS, PARKED, SHIPMENTS

assert PARKED.sort
assert ORDER_STATUS.index
STREAM = EVENTS.partition.name
CONSUMER, PARKED_STREAM = PARKED.partition.name, PARKED.sort.name
STATUS_STREAM, STATUS_PARKED = ORDER_STATUS.partition.name, ORDER_STATUS.index.sort.name
# A bucket without Object Lock, an object without a retention.
UNLOCKED = (
    "ObjectLockConfigurationNotFoundError",
    "NoSuchObjectLockConfiguration",
    "InvalidRequest",
)


class Views(ReadModelViews, Protocol):
    """The read model's answers, as reference_service.aws.audit_views.AuditViews gives them."""

    def wrong_sums(self) -> list[dict[str, Any]]: ...


class PagedStores:
    """The stores of a target as bitacora.audit.source.Source."""

    def __init__(self, stores: CloudStores, views: Views) -> None:
        self._stores = stores
        self._views = views

    def histories(self) -> Iterator[Stored]:
        """In the order of a scan, which keeps the items of a partition key together."""
        items = self._scan(self._stores.events_table)
        for stream, found in groupby(items, key=lambda item: str(item[STREAM]["S"])):
            yield Stored(stream, tuple(found))

    def history(self, stream: str) -> Stored:
        pages = self._stores.dynamodb.get_paginator("query").paginate(
            TableName=self._stores.events_table,
            KeyConditionExpression="#stream = :stream",
            ExpressionAttributeNames={"#stream": STREAM},
            ExpressionAttributeValues={":stream": {"S": stream}},
            ConsistentRead=True,
        )
        return Stored(stream, tuple(item for page in pages for item in page["Items"]))

    def views(self, streams: Sequence[str]) -> dict[str, View]:
        return {told["stream"]: _view(told) for told in self._views.views(streams)}

    def viewed(self) -> Iterator[str]:
        cursor: str | None = None
        while True:
            page = self._views.viewed(cursor)
            yield from page["streams"]
            if (cursor := page["cursor"]) is None:
                return

    def wrong_sums(self) -> list[str]:
        return [f"{one['table']} of {', '.join(one['group'])}" for one in self._views.wrong_sums()]

    def kept(self) -> Iterator[Kept]:
        """Versions come by name, the newest first; marks of deletion beside them."""
        versions: dict[str, list[str]] = {}
        marks: Counter[str] = Counter()
        pages = self._stores.s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self._stores.anchors_bucket):
            for found in page.get("Versions", ()):
                versions.setdefault(found["Key"], []).append(found["VersionId"])
            marks.update(found["Key"] for found in page.get("DeleteMarkers", ()))
        for name, ids in versions.items():
            yield Kept(name, ids[-1], len(ids) - 1 + marks[name])

    def witness(self, kept: Kept) -> Witness:
        s3 = self._stores.s3
        where = {"Bucket": self._stores.anchors_bucket, "Key": kept.name, "VersionId": kept.version}
        answer = s3.get_object(**where)
        stored = answer["Body"].read(UNPACKED_LIMIT_BYTES)
        # S3 tells the mode beside the content to those who may ask for the retention.
        mode = answer.get("ObjectLockMode") or _said(s3.get_object_retention, UNLOCKED, **where)
        return Witness(stored, locked=mode is not None)

    def lock(self) -> str | None:
        found = _said(
            self._stores.s3.get_object_lock_configuration,
            UNLOCKED,
            Bucket=self._stores.anchors_bucket,
        )
        rule = (found or {}).get("ObjectLockConfiguration", {}).get("Rule", {})
        match rule.get("DefaultRetention"):
            case {"Mode": mode, "Days": days}:
                return f"{mode} for {days} days"
            case {"Mode": mode, "Years": years}:
                return f"{mode} for {years} years"
        return None

    def status(self, stream: str) -> View:
        answer = self._stores.dynamodb.get_item(
            TableName=self._stores.order_status_table,
            Key={STATUS_STREAM: {"S": stream}},
            ConsistentRead=True,
        )
        return _status(stream, answer.get("Item", {}))

    def personal_key(self, customer_id: str) -> str | None:
        keys = DynamoDBPersonalKeys(self._stores.dynamodb, self._stores.personal_keys_table)
        return keys.current(customer_id)

    def statuses(self) -> Iterator[str]:
        for item in self._scan(self._stores.order_status_table):
            yield item[STATUS_STREAM]["S"]

    def markers(self) -> Iterator[Marker]:
        for item in self._scan(self._stores.parked_table):
            yield Marker(
                consumer=item[CONSUMER]["S"],
                stream=item[PARKED_STREAM]["S"],
                commit=int(item["commit"]["N"]),
                reason=item["reason"]["S"],
            )

    def ledger(self, stream: str) -> Copies:
        s3, bucket = self._stores.s3, self._stores.ledger_bucket
        return {
            _event_id(key): s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in self._keys(f"{LEDGER_PREFIX}{stream}/")
        }

    def recorded(self) -> Iterator[str]:
        return map(_event_id, self._keys(LEDGER_PREFIX))

    def shipments(self) -> Iterator[Shipment]:
        return map(_shipment, self._scan(self._stores.shipments_table))

    def shipment(self, stream: str) -> Shipment | None:
        order_id = stream.removeprefix(SHIPMENT)
        answer = self._stores.dynamodb.get_item(
            TableName=self._stores.shipments_table,
            Key={SHIPMENTS.partition.name: {"S": order_id}},
            ConsistentRead=True,
        )
        return _shipment(answer["Item"]) if "Item" in answer else None

    def _scan(self, table: str) -> Iterator[Item]:
        pages = self._stores.dynamodb.get_paginator("scan")
        for page in pages.paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]

    def _keys(self, prefix: str) -> Iterator[str]:
        pages = self._stores.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._stores.ledger_bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield found["Key"]


def _said(call: Callable[..., Any], unless: Container[str], **request: Any) -> Any:
    """The answer, None for one of the errors; raises what else botocore does."""
    try:
        return call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] in unless:
            return None
        raise


def _view(told: Mapping[str, Any]) -> View:
    gate, parked = told["gate"], told["parked"]
    return View(
        gate=Gate(gate["commit"], gate["hash"]) if gate else None,
        row=told["row"],
        parked=Marker("projector", told["stream"], parked["commit"], parked["reason"])
        if parked
        else None,
    )


def _status(stream: str, item: Item) -> View:
    """What is no attribute of gate and marker is the row's; a gate that is none is no gate."""
    values = {name: _plain(attribute) for name, attribute in item.items() if name != STATUS_STREAM}
    commit, digest = values.pop("commit", None), values.pop("hash", None)
    parked, reason, _ = (values.pop(name, None) for name in (STATUS_PARKED, "reason", "since"))
    return View(
        gate=Gate(commit, digest) if isinstance(commit, int) and isinstance(digest, str) else None,
        row=values if values.keys() - {"at"} else None,  # a heartbeat has none
        parked=None
        if parked is None
        else Marker("status-projector", stream, parked, reason or "no reason given"),
    )


def _plain(attribute: Mapping[str, Any]) -> Any:
    """Texts and whole numbers as they are, bytes as hex digits."""
    ((kind, value),) = attribute.items()
    match kind, value:
        case "N", str() if value.lstrip("-").isdecimal():
            return int(value)
        case "B", bytes():
            return value.hex()
        case _:
            return value


def _shipment(item: Item) -> Shipment:
    """A record without an event that could be told is one that was cancelled."""
    record = json.loads(item["record"]["S"])
    return Shipment(f"{SHIPMENT}{item[SHIPMENTS.partition.name]['S']}", record.get("event"))


def _event_id(key: str) -> str:
    return key.removeprefix(LEDGER_PREFIX).removesuffix(LEDGER_SUFFIX)
