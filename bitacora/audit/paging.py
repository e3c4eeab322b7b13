"""Reads the stores page by page, past the service's own code: at most one stream whole.

With a root client for DynamoDB and S3, and read-only sessions on PostgreSQL.
"""

import json
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import psycopg
from botocore.exceptions import ClientError
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bitacora.audit.observation import ORDER, SHIPMENT
from bitacora.audit.reading import LEDGER_PREFIX, LEDGER_SUFFIX, Stores
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
from reference_service.aws.order_tables import ORDER_SUMMARY, order_id_of
from reference_service.cqrs.anchor import UNPACKED_LIMIT_BYTES
from reference_service.cqrs.gate import Gate
from reference_service.tables import EVENTS, PARKED, SHIPMENTS

assert PARKED.sort
STREAM = EVENTS.partition.name
CONSUMER, PARKED_STREAM = PARKED.partition.name, PARKED.sort.name
# A bucket without Object Lock, an object without a retention.
UNLOCKED = (
    "ObjectLockConfigurationNotFoundError",
    "NoSuchObjectLockConfiguration",
    "InvalidRequest",
)
# Rows that the database sends at a time.
PAGE_ROWS = 1000

_VIEWS = sql.SQL("""
    SELECT asked.stream, gate.commit, gate.hash, parked.commit, parked.reason, {columns}
    FROM unnest(%s::text[], %s::uuid[]) AS asked (stream, key)
    LEFT JOIN read_model.gates AS gate ON gate.stream = asked.stream
    LEFT JOIN read_model.parked AS parked ON parked.stream = asked.stream
    LEFT JOIN {table} AS found ON {key} = asked.key
""").format(
    columns=ORDER_SUMMARY.selected("found"),
    table=ORDER_SUMMARY.identifier("read_model"),
    key=sql.Identifier("found", ORDER_SUMMARY.key),
)
_VIEWED = sql.SQL("""
    SELECT stream FROM read_model.gates UNION SELECT stream FROM read_model.parked
    UNION SELECT {prefix} || {key}::text FROM {table}
""").format(
    prefix=sql.Literal(ORDER),
    key=sql.Identifier(ORDER_SUMMARY.key),
    table=ORDER_SUMMARY.identifier("read_model"),
)


class PagedStores:
    """The stores of a target as bitacora.audit.source.Source."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._database = make_conninfo(
            stores.database, options="-c default_transaction_read_only=on"
        )

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
        with psycopg.connect(self._database) as session:
            keys = [order_id_of(stream) for stream in streams]
            found = session.execute(_VIEWS, [list(streams), keys]).fetchall()
        return {record[0]: _view(*record) for record in found}

    def viewed(self) -> Iterator[str]:
        with psycopg.connect(self._database) as session, session.cursor("viewed") as cursor:
            cursor.itersize = PAGE_ROWS
            cursor.execute(_VIEWED)
            for (stream,) in cursor:
                yield stream

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


def _view(
    stream: str,
    commit: int | None,
    digest: bytes | None,
    parked_at: int | None,
    reason: str | None,
    *columns: Any,
) -> View:
    row: Mapping[str, Any] = dict(zip(ORDER_SUMMARY.columns, columns, strict=True))
    return View(
        gate=None if commit is None or digest is None else Gate(commit, digest.hex()),
        row=None if row[ORDER_SUMMARY.key] is None else row,
        parked=None
        if parked_at is None
        else Marker("projector", stream, parked_at, reason or "no reason given"),
    )


def _shipment(item: Item) -> Shipment:
    """A record without an event that could be told is one that was cancelled."""
    record = json.loads(item["record"]["S"])
    return Shipment(f"{SHIPMENT}{item[SHIPMENTS.partition.name]['S']}", record.get("event"))


def _event_id(key: str) -> str:
    return key.removeprefix(LEDGER_PREFIX).removesuffix(LEDGER_SUFFIX)
