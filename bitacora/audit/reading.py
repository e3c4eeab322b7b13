"""Reads every store directly, past the service's own code. For an environment of modest size."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeAlias

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from bitacora.audit.observation import ORDER, Observation
from bitacora.embedded.environment import Environment
from reference_service.aws.items import from_item
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import Gate
from reference_service.order.public import SOURCE
from reference_service.schemas import CONTRACTS

LEDGER_PREFIX = "events/"
LEDGER_SUFFIX = ".json"
VIEWS_AT_ONCE = 64
# (rows, gates, parked), each by stream.
_ReadModel: TypeAlias = tuple[dict[str, Mapping[str, Any]], dict[str, Gate], dict[str, str]]


class ReadModelViews(Protocol):
    """The read model as reference_service.aws.audit_views tells it."""

    def views(self, streams: Sequence[str]) -> list[dict[str, Any]]: ...
    def viewed(self, cursor: str | None) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class CloudStores:
    """boto3 clients, and the stack's outputs of these names."""

    dynamodb: Any
    s3: Any
    events_table: str
    shipments_table: str
    parked_table: str
    order_status_table: str
    ledger_bucket: str
    anchors_bucket: str
    personal_keys_table: str


NAMES = tuple(field.name for field in fields(CloudStores) if field.type is str)


@dataclass(frozen=True, kw_only=True)
class Stores(CloudStores):
    """Clients of the emulator with its root keys; `database` is the superuser's DSN."""

    database: str


def stores_of(environment: Environment) -> Stores:
    """The stores of a running environment. Raises Problem when none runs."""
    outputs = environment.outputs
    return Stores(
        dynamodb=environment.client("dynamodb"),
        s3=environment.client("s3"),
        database=make_conninfo(environment.postgres.admin_dsn, dbname=outputs["database"]["name"]),
        **{name: outputs[name] for name in NAMES},
    )


def public_types() -> frozenset[str]:
    """Types of the order service's public events, as the contracts publish them."""
    topology = json.loads((CONTRACTS / "topology.json").read_bytes())
    return frozenset(name for name, event in topology.items() if event["source"] == SOURCE)


def observe(stores: Stores, *, ledger: bool = True) -> Observation:
    """What the stores hold. The event store is read last: what follows from it can't be ahead.

    The ledger, whose copies are listed one by one, may be left out.
    Raises psycopg.Error and botocore's errors when a store can't be read.
    """
    return _observed(stores, lambda: _read_model(stores.database), ledger)


def observe_through(
    stores: CloudStores, views: ReadModelViews, *, ledger: bool = True
) -> Observation:
    """The same where the database is private; times in rows are text.

    Raises Unavailable, and botocore's errors.
    """
    return _observed(stores, lambda: _viewed(views), ledger)


def _observed(
    stores: CloudStores, read_model: Callable[[], _ReadModel], with_ledger: bool
) -> Observation:
    ledger = _ledger(stores) if with_ledger else {}
    shipments = _shipments(stores)
    rows, gates, parked = read_model()
    return Observation(
        commits=_commits(stores),
        rows=rows,
        gates=gates,
        parked=parked,
        ledger=ledger,
        shipments=shipments,
    )


def _viewed(views: ReadModelViews) -> _ReadModel:
    """Page by page, in batches of what the operations function is asked at once."""
    streams: set[str] = set()
    page = views.viewed(None)
    streams.update(page["streams"])
    while page["cursor"] is not None:
        page = views.viewed(page["cursor"])
        streams.update(page["streams"])
    ordered = sorted(streams)
    told = [
        view
        for at in range(0, len(ordered), VIEWS_AT_ONCE)
        for view in views.views(ordered[at : at + VIEWS_AT_ONCE])
    ]
    gates = {view["stream"]: view["gate"] for view in told if view["gate"]}
    return (
        {view["stream"]: view["row"] for view in told if view["row"]},
        {stream: Gate(gate["commit"], gate["hash"]) for stream, gate in gates.items()},
        {view["stream"]: view["parked"]["reason"] for view in told if view["parked"]},
    )


def _commits(stores: CloudStores) -> dict[str, tuple[Commit, ...]]:
    streams: defaultdict[str, list[Commit]] = defaultdict(list)
    for item in _scan(stores.dynamodb, stores.events_table):
        commit = from_item(item)
        streams[commit.stream].append(commit)
    return {
        stream: tuple(sorted(commits, key=lambda commit: commit.commit))
        for stream, commits in streams.items()
    }


def _shipments(stores: CloudStores) -> dict[str, Mapping[str, Any]]:
    return {
        ORDER + item["order_id"]["S"]: json.loads(item["record"]["S"])
        for item in _scan(stores.dynamodb, stores.shipments_table)
    }


def _scan(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]


def _ledger(stores: CloudStores) -> dict[str, tuple[str, ...]]:
    """Event id -> the ETag of every version ever stored: a second write shows as a second copy."""
    copies: defaultdict[str, list[str]] = defaultdict(list)
    pages = stores.s3.get_paginator("list_object_versions").paginate(Bucket=stores.ledger_bucket)
    for page in pages:
        for version in page.get("Versions", ()):
            event_id = version["Key"].removeprefix(LEDGER_PREFIX).removesuffix(LEDGER_SUFFIX)
            copies[event_id].append(version["ETag"])
    return {event_id: tuple(etags) for event_id, etags in copies.items()}


def _read_model(database: str) -> _ReadModel:
    """(rows, gates, parked) of one snapshot."""
    with psycopg.connect(database, row_factory=dict_row) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = session.execute("SELECT * FROM read_model.order_summary").fetchall()
        gates = session.execute("SELECT stream, commit, hash FROM read_model.gates").fetchall()
        parked = session.execute("SELECT stream, reason FROM read_model.parked").fetchall()
    return (
        {f"{ORDER}{row['order_id']}": row for row in rows},
        {gate["stream"]: Gate(gate["commit"], gate["hash"].hex()) for gate in gates},
        {marker["stream"]: marker["reason"] for marker in parked},
    )
