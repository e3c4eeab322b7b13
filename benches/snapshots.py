"""What a snapshot saves: python -m benches.snapshots [--in-memory] [--commits N …] [--json]

One order of N commits for each N, paid a cent at a time. Each round sends it two payments, one by
way of the snapshot and one by way of all events, in turn; a ratio is the median over the rounds, so
that what slows the machine down for a while slows both. The snapshot lies half of its interval
back, as it does on average; a stream shorter than the interval has none, and pays for looking.

The stores are in memory (the price of decoding and folding alone) and on the emulator, where a
page of 1 MB takes milliseconds as it does on AWS, but from one machine. Read units are computed.
"""

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.dynamodb_snapshots import DynamoDBSnapshots
from reference_service.aws.items import to_item
from reference_service.bootstrap import ORDERS, Orders
from reference_service.cqrs.commit import Cause, Commit, following, stored_size_bytes
from reference_service.cqrs.decider import fold_commits
from reference_service.cqrs.execution import Accepted, Request
from reference_service.cqrs.memory import InMemoryEventStore, InMemorySnapshots
from reference_service.cqrs.snapshot import Loaded, Snapshots
from reference_service.cqrs.snapshot import stored_size_bytes as snapshot_size_bytes
from reference_service.cqrs.store import EventStore
from reference_service.order.codec import OrderCodec
from reference_service.order.commands import ReceivePayment
from reference_service.order.events import Delivery, Event, Line, OrderPlaced, PaymentReceived
from reference_service.order.kept_state import KeptOrders
from reference_service.order.money import Money
from reference_service.schemas import Schemas
from reference_service.tables import EVENTS, SNAPSHOTS
from tests import emulator

COMMITS = (10, 100, 1_000, 10_000)
EVERY = 50
ROUNDS = 9
READ_UNIT_BYTES = 4096
BATCH = 25  # of BatchWriteItem
CUSTOMER, CENT = "customer-1", Money(1, "EUR")
DELIVERY = Delivery(
    recipient="Ana Ruiz", street="Calle 1", city="Madrid", postal_code="28001", country="ES"
)
SCHEMAS = Schemas.load()
CODEC = OrderCodec(SCHEMAS)

Fill = Callable[[list[Commit]], None]


@dataclass(frozen=True)
class Stores:
    """`fill` puts the commits of a stream without looking."""

    events: EventStore
    snapshots: Snapshots[Any]
    fill: Fill

    def orders(self) -> dict[str, Orders]:
        without = Orders(SCHEMAS, self.events, CODEC)
        return {"without": without, "with": replace(without, snapshots=self.snapshots)}


def in_memory() -> Stores:
    events = InMemoryEventStore()

    def fill(commits: list[Commit]) -> None:
        for commit in commits:
            events.append(commit)

    return Stores(events, Snapshots(InMemorySnapshots(), KeptOrders(), EVERY), fill)


@contextmanager
def on_the_emulator() -> Iterator[Stores]:
    with tempfile.TemporaryDirectory(prefix="bitacora-bench-") as folder:
        cloud = emulator.start(Path(folder))
        try:
            cloud.create_table("events", EVENTS)
            cloud.create_table("snapshots", SNAPSHOTS)
            client = cloud.client("dynamodb")

            def fill(commits: list[Commit]) -> None:
                for at in range(0, len(commits), BATCH):
                    puts = [{"PutRequest": {"Item": to_item(c)}} for c in commits[at : at + BATCH]]
                    left = client.batch_write_item(RequestItems={"events": puts})
                    assert not left["UnprocessedItems"]

            kept = DynamoDBSnapshots(client, "snapshots")
            snapshots = Snapshots(kept, KeptOrders(), EVERY)
            yield Stores(DynamoDBEventStore(client, "events"), snapshots, fill)
        finally:
            emulator.stop(cloud)


def cause() -> Cause:
    command_id = uuid.uuid4().hex
    return Cause(
        command_id=command_id,
        fingerprint=command_id,
        actor=CUSTOMER,
        causation=f"request-{command_id}",
        correlation=command_id,
    )


def history(stream: str, length: int) -> list[Commit]:
    """An order, and payments of a cent each that do not cover it."""
    total = Money(100 * length + 1_000_000, "EUR")
    lines = (Line(sku="pen", quantity=1, unit_price=total),)
    placed = OrderPlaced(customer_id=CUSTOMER, lines=lines, total=total, delivery=DELIVERY)
    commits: list[Commit] = []
    for number in range(length):
        paid = PaymentReceived(payment_id=f"payment-{uuid.uuid4()}", amount=CENT)
        event: Event = paid if number else placed
        commits.append(
            following(
                commits[-1] if commits else None,
                stream=stream,
                cause=cause(),
                body=CODEC.encode([event]),
                count=1,
                at="2026-01-01T12:00:00.000Z",
                commit_id=uuid.uuid4().hex,
            )
        )
    return commits


def pay(orders: Orders, stream: str) -> float:
    """Milliseconds that a payment takes."""
    payment = ReceivePayment(CUSTOMER, f"payment-{uuid.uuid4()}", CENT)
    started = time.perf_counter()
    outcome = orders.execute(Request(stream=stream, command=payment, cause=cause()))
    took_ms = (time.perf_counter() - started) * 1e3
    assert isinstance(outcome, Accepted), outcome
    return took_ms


def measured(stores: Stores, length: int) -> dict[str, Any]:
    """Milliseconds and read units of a command on a stream of this many commits."""
    stream = f"order-{uuid.uuid4()}"
    commits = history(stream, length)
    stores.fill(commits)
    covered = commits[: length - EVERY // 2] if length >= EVERY else []
    if covered:
        state = fold_commits(ORDERS, CODEC, covered)
        stores.snapshots.keep(Loaded(ORDERS.initial(), commits=covered[:-1]), covered[-1], state)
    orders, took_ms = stores.orders(), {"without": [], "with": []}
    ratios = []
    for _ in range(ROUNDS):
        for way, taken in took_ms.items():
            taken.append(pay(orders[way], stream))
        ratios.append(took_ms["without"][-1] / took_ms["with"][-1])
    snapshot = stores.snapshots.kept.read(stream)
    snapshot_bytes = snapshot_size_bytes(snapshot) if snapshot else 0
    rest = commits[max(len(covered) - 1, 0) :]
    return {
        "commits": length,
        "without_ms": median(took_ms["without"]),
        "with_ms": median(took_ms["with"]),
        "ratio": median(ratios),
        "snapshot_bytes": snapshot_bytes,
        "without_read_units": read_units(commits),
        # Half a unit for 4 KB that may be old, half a unit for finding nothing.
        "with_read_units": read_units(rest) + max(ceil(snapshot_bytes / READ_UNIT_BYTES), 1) / 2,
        "write_units": ceil(snapshot_bytes / 1024),
    }


def read_units(commits: list[Commit]) -> int:
    """Of a strongly consistent query, but for the rounding of each of its pages."""
    return ceil(sum(map(stored_size_bytes, commits)) / READ_UNIT_BYTES)


def show(title: str, rows: list[dict[str, Any]]) -> None:
    table = Table(title=title)
    headings = ("commits", "without, ms", "with, ms", "times faster")
    for heading in (*headings, "read units without", "with", "snapshot, KB", "its write units"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(
            f"{row['commits']:,}",
            f"{row['without_ms']:.1f}",
            f"{row['with_ms']:.1f}",
            f"{row['ratio']:.1f}",
            f"{row['without_read_units']:,}",
            f"{row['with_read_units']:g}",
            f"{row['snapshot_bytes'] / 1024:.0f}",
            f"{row['write_units']}",
        )
    Console(width=110).print(table)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--in-memory", action="store_true", help="leave out the emulator")
    parser.add_argument("--commits", type=int, nargs="+", default=COMMITS)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = {"in memory": [measured(in_memory(), length) for length in asked.commits]}
    if not asked.in_memory:
        with on_the_emulator() as stores:
            found["on the emulator"] = [measured(stores, length) for length in asked.commits]
    if asked.json:
        print(json.dumps(found, indent=2))
    else:
        for where, rows in found.items():
            show(f"A command with a snapshot every {EVERY} commits, {where}", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
