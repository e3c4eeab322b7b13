"""A rebuild from the event store's own table: python -m benches.rebuild [--events N] [--json]

Orders of three events in two commits stand in a DynamoDB table on the emulator; the read model is
rebuilt from it, and every row compared with what the order's events come to. The emulator takes
most of the time, so only two things are judged: that every row is right, and the most memory that
the process had. Exit code 1 when a row is not, or above 200 MB.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql

from benches.postgres import Connect, migrated
from benches.read_model import CODEC, MEMORY_MB, PROJECT, PROJECTIONS, placed
from reference_service.aws.dynamodb_event_store import DynamoDBEventStore
from reference_service.aws.items import to_item
from reference_service.aws.order_tables import ORDERS
from reference_service.aws.postgres import Database
from reference_service.aws.read_side import ReadSide
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.projection import Position, extend
from reference_service.order.events import OrderConfirmed, OrderPlaced, PaymentReceived
from reference_service.tables import EVENTS
from tests import emulator

EVENTS_OF_AN_ORDER = 3
BATCH = 25  # of BatchWriteItem
SHOWN_AT_ONCE = 1000


def history(number: int) -> list[Commit]:
    """An order that is placed, then paid and by that confirmed."""
    first = placed(number)
    (event,) = CODEC.decode(first.body)
    assert isinstance(event, OrderPlaced)
    paid = PaymentReceived(payment_id=f"payment-{number}", amount=event.total)
    second = following(
        first,
        stream=first.stream,
        cause=Cause(
            command_id=f"paid-{number}",
            fingerprint="f" * 32,
            actor=event.customer_id,
            causation=f"request-paid-{number}",
            correlation=f"request-{number}",
        ),
        body=CODEC.encode([paid, OrderConfirmed(total=event.total)]),
        count=2,
        at="2026-01-05T10:00:00.000Z",
        commit_id=f"paid-{number}",
    )
    return [first, second]


@contextmanager
def stored(orders: int) -> Iterator[DynamoDBEventStore]:
    """An event store on an emulator of its own that holds so many orders."""
    with tempfile.TemporaryDirectory(prefix="bitacora-bench-") as folder:
        cloud = emulator.start(Path(folder))
        try:
            cloud.create_table("events", EVENTS)
            client = cloud.client("dynamodb")
            puts: list[dict[str, Any]] = []
            for number in range(orders):
                puts += [{"PutRequest": {"Item": to_item(one)}} for one in history(number)]
                while len(puts) >= BATCH or (puts and number == orders - 1):
                    left = client.batch_write_item(RequestItems={"events": puts[:BATCH]})
                    assert not left["UnprocessedItems"]
                    del puts[:BATCH]
            yield DynamoDBEventStore(client, "events")
        finally:
            emulator.stop(cloud)


def row_of(commits: list[Commit]) -> Any:
    whole = extend(PROJECT, commits[0].stream, Position(), commits)
    return whole and whole.row


def wrong_rows(connect: Connect, schema: str, orders: int) -> list[str]:
    """Streams whose row is missing, or is not what its events come to, and rows of no order."""
    rows = ORDERS.rows
    ending = {f"{number:012x}": number for number in range(orders)}
    wrong = []
    with connect("postgres") as session, session.transaction():
        query = sql.SQL("SELECT {} FROM {} AS shown").format(
            rows.selected("shown"), rows.identifier(schema)
        )
        with session.cursor(name="every_row") as cursor:
            cursor.itersize = SHOWN_AT_ONCE
            for record in cursor.execute(query):
                shown = rows.from_record(record)
                number = ending.pop(shown.order_id[-12:], None)
                if number is None or shown != row_of(history(number)):
                    wrong.append(shown.order_id)
    return wrong + [f"{end} is missing" for end in ending]


def measured(events: int) -> dict[str, Any]:
    orders = -(-events // EVENTS_OF_AN_ORDER)
    with migrated() as connect, stored(orders) as store:
        operator = ReadSide(Database(lambda: connect("operations")), store, PROJECTIONS)
        began = time.perf_counter()
        operator.begin("anew")
        progress = operator.rebuild(3600, time.monotonic)
        took = time.perf_counter() - began
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert progress is not None
        wrong = wrong_rows(connect, operator.live().name, orders)
    return {
        "events": orders * EVENTS_OF_AN_ORDER,
        "commits": progress.commits,
        "streams": progress.streams,
        "phase": progress.phase,
        "seconds": round(took, 1),
        "peak_mb": round(peak_mb),
        "wrong": wrong[:20],
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benches.rebuild")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    found = measured(asked.events)
    sound = found["phase"] == "live" and not found["wrong"] and found["peak_mb"] <= MEMORY_MB
    if asked.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:<8} {value}")
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
