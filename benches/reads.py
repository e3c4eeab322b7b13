"""What a read costs: python -m benches.reads [--orders N] [--json]

point   GET /orders/{order_id} through the handler of the query function, warm, in this process,
        beside the bare SQL of the same row by psycopg: the same kind of session and socket
pages   GET /orders, 20 orders a page, at the top of a customer's list and 1,000 and 10,000 pages
        down (as far as there are orders), with the blocks that PostgreSQL touches for one

Both sides of a round run one after the other on one PostgreSQL; a ratio is the median over the
rounds. Exit code 1 when one is above what is wanted. What the handler prints goes to a file.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from benches.postgres import migrated
from reference_service.aws import postgres
from reference_service.aws.generations import live
from reference_service.aws.order_tables import LAYOUTS
from reference_service.aws.postgres import Database
from reference_service.aws.postgres_queries import Listing, PostgresQueries
from reference_service.cqrs.heartbeat import days
from reference_service.settings import QuerySettings

CUSTOMER = "collector"
PAGE = 20
DEPTHS = (0, 1_000, 10_000)
ORDERS = PAGE * (max(DEPTHS) + 10)
ROUNDS, POINTS, PAGES = 15, 200, 20
WANTED = {"point": 2.0, "pages": 1.5}
# One order each second; three lines and an address, as the full example of the contract has them.
FILL = """
    INSERT INTO {schema}.order_summary
    SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, %s,
        CASE mod(n, 3) WHEN 0 THEN 'placed' ELSE 'confirmed' END, 3, 'EUR', 4190, 4190,
        %s, %s, NULL, NULL, timestamptz '2026-01-01 00:00Z' + n * interval '1 second', now()
    FROM generate_series(1, %s) AS n
"""
GATES = """
    INSERT INTO {schema}.gates (stream, commit, hash, at)
    SELECT 'order-' || order_id, 2, decode(repeat('ab', 32), 'hex'), now()
    FROM {schema}.order_summary
    UNION ALL SELECT '{heartbeat}', 2, decode(repeat('ab', 32), 'hex'), now()
"""
BARE = """
    SELECT order_id, customer_id, status, version, currency, total, paid, lines, delivery,
        shipment_id, cancel_reason, placed_at, updated_at
    FROM {schema}.order_summary WHERE order_id = %s
"""
MONEY = {"amount": 1000, "currency": "EUR"}
LINES = [{"sku": f"article-{n}", "quantity": 1, "unit_price": MONEY} for n in range(3)]
DELIVERY = {
    "recipient": "Ana Ruiz",
    "street": "Calle Mayor 1",
    "city": "Madrid",
    "postal_code": "28001",
    "country": "ES",
}


@dataclass(frozen=True)
class Place:
    """A filled read model: `handler` is the query function's, `connect` its kind of session."""

    handler: Callable[[dict[str, Any], None], dict[str, Any]]
    connect: Callable[[], "psycopg.Connection[Any]"]
    schema: str
    orders: int


@contextmanager
def filled(orders: int) -> Iterator[Place]:
    with migrated() as connect:
        with connect("postgres") as admin:
            schema = live(admin, LAYOUTS).name
            values = [CUSTOMER, json.dumps(LINES), json.dumps(DELIVERY), orders]
            admin.execute(FILL.format(schema=schema), values)  # type: ignore[call-overload]
            (heartbeat,) = days(1, datetime.now(UTC).date()).today
            admin.execute(GATES.format(schema=schema, heartbeat=heartbeat))  # type: ignore[arg-type]
            admin.execute("VACUUM ANALYZE")
        environment = {name.upper(): "1" for name in QuerySettings.__dataclass_fields__}
        os.environ.update(environment)
        # A token is signed for a connection, not for a read.
        postgres.iam_connect = lambda *_: lambda: connect("query")
        query = import_module("reference_service.functions.query")
        yield Place(query.handler, lambda: connect("query"), schema, orders)


def event(route: str, order_id: str = "", **query: str) -> dict[str, Any]:
    """As API Gateway sends it (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": route,
        "headers": {"accept": "application/json", "user-agent": "bench"},
        "requestContext": {
            "requestId": "bench",
            "authorizer": {"jwt": {"claims": {"sub": CUSTOMER}, "scopes": None}},
        },
        "pathParameters": {"order_id": order_id} if order_id else None,
        "queryStringParameters": query or None,
        "isBase64Encoded": False,
    }


def points(place: Place) -> dict[str, Any]:
    """Microseconds of one look-up by each way, and the ratio: medians over the rounds."""
    rng = random.Random(1)
    bare = BARE.format(schema=place.schema)
    took = []
    with place.connect() as session:

        def ids() -> list[str]:
            numbers = (rng.randint(1, place.orders) for _ in range(POINTS))
            return [f"00000000-0000-4000-8000-{number:012x}" for number in numbers]

        def by_function(order_ids: list[str]) -> None:
            for order_id in order_ids:
                asked = event("GET /orders/{order_id}", order_id)
                assert place.handler(asked, None)["statusCode"] == 200

        def by_sql(order_ids: list[str]) -> None:
            for order_id in order_ids:
                assert session.execute(bare, [order_id]).fetchone()  # type: ignore[call-overload]

        for way in (by_function, by_sql):  # warm: plans and caches are made
            way(ids())
        for round_ in range(ROUNDS):
            asked = ids()
            # In turn: who comes second finds the rows in the processor's cache.
            first, second = (by_function, by_sql) if round_ % 2 else (by_sql, by_function)
            times = {way: _us(way, asked) for way in (first, second)}
            took.append((times[by_function], times[by_sql]))
    return {
        "function_us": median(ours for ours, _ in took) / POINTS,
        "sql_us": median(sql for _, sql in took) / POINTS,
        "ratio": median(ours / sql for ours, sql in took),
    }


def pages(place: Place) -> list[dict[str, Any]]:
    """Of each depth: milliseconds of a page, the ratio to the first page, blocks touched."""
    depths = [depth for depth in DEPTHS if PAGE * (depth + 1) <= place.orders]
    noted = _Noted(place.connect())
    queries = PostgresQueries(Database(lambda: noted), LAYOUTS, 1)  # type: ignore[arg-type,return-value]
    listing = Listing(customer_id=CUSTOMER)
    blocks, asked = [], []
    for depth in depths:
        cursor = queries.of_customer(listing, PAGE * depth, None).cursor if depth else None
        queries.of_customer(listing, PAGE, cursor)
        blocks.append(noted.blocks())
        at = {"cursor": cursor} if cursor else {}
        asked.append(event("GET /orders", limit=str(PAGE), **at))

    def page(each: dict[str, Any]) -> None:
        for _ in range(PAGES):
            assert place.handler(each, None)["statusCode"] == 200

    for each in asked:
        page(each)
    took = [[_us(page, each) for each in asked] for _ in range(ROUNDS)]
    return [
        {
            "depth": depth,
            "page_ms": median(round_[n] for round_ in took) / PAGES / 1000,
            "ratio": median(round_[n] / round_[0] for round_ in took),
            "blocks": blocks[n],
        }
        for n, depth in enumerate(depths)
    ]


class _Noted:
    """A session that remembers what it was asked last."""

    def __init__(self, session: "psycopg.Connection[Any]") -> None:
        self._session = session
        self._asked: tuple[Any, Any] = ("", None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, query: Any, parameters: Any = None) -> Any:
        self._asked = query, parameters
        return self._session.execute(query, parameters)

    def blocks(self) -> int:
        """How many the last statement touches, in memory or not."""
        query, parameters = self._asked
        explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query
        [[[explained]]] = self._session.execute(explain, parameters).fetchall()
        plan = explained["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _us(run: Callable[[Any], None], asked: Any) -> float:
    began = time.perf_counter()
    run(asked)
    return 1e6 * (time.perf_counter() - began)


def measured(orders: int) -> dict[str, Any]:
    with TemporaryFile("w+") as printed, filled(orders) as place, redirect_stdout(printed):
        point, listed = points(place), pages(place)
    deepest = listed[-1]["ratio"]
    reached = {"point": point["ratio"] < WANTED["point"], "pages": deepest < WANTED["pages"]}
    return {"orders": orders, "point": point, "pages": listed, "wanted": WANTED, "reached": reached}


def show(found: dict[str, Any]) -> None:
    point = found["point"]
    table = Table(title=f"A read among {found['orders']:,} orders of one customer")
    for heading in ("", "function", "bare SQL", "ratio", "wanted", "blocks"):
        table.add_column(heading, justify="right" if heading else "left")
    ours, sql = (f"{point[side]:,.0f} µs" for side in ("function_us", "sql_us"))
    table.add_row("by id", ours, sql, f"{point['ratio']:.2f}", f"< {WANTED['point']:g}", "")
    for page in found["pages"]:
        wanted = f"< {WANTED['pages']:g}" if page["depth"] else ""
        name, took = f"page {page['depth']:,}", f"{page['page_ms']:.2f} ms"
        table.add_row(name, took, "", f"{page['ratio']:.2f}", wanted, str(page["blocks"]))
    Console().print(table)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m benches.{Path(__file__).stem}")
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    found = measured(given.orders)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if all(found["reached"].values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
