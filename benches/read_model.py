"""How quickly rows get into the read model: python -m benches.read_model [--json | --memory N]

live      batches of 500 new orders through the projector as its function runs it: checked, decoded
          and folded, then gates, sums and rows in one transaction; and through two at once, each a
          process that reads a shard of its own
rebuild   histories from memory, checked, decoded, folded and filled in without keys by one worker,
          and by two, each a process; then the keys
whole     the latter, with the comparison row by row against what is live, and the swap

Beside each a bare COPY of the same gates, rows and sums into tables with the same keys, from values
that are ready. Both sides of a round run one after the other on one PostgreSQL; a ratio is the
median over the rounds. Ids are spread like those of orders, which are hashes: keys that only grew
would be the kindest case for an index. Exit code 1 when a ratio is below what is wanted.

--memory N rebuilds N orders of one event each, made as they are read, and prints the most memory
that the process had; exit code 1 above 200 MB.
"""

import json
import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from statistics import median
from typing import Any

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from benches.contracts import order
from benches.postgres import Connect, migrated
from reference_service.aws.order_tables import LAYOUTS, ORDERS
from reference_service.aws.postgres import Database
from reference_service.aws.read_side import ReadSide
from reference_service.bootstrap import project_order
from reference_service.cqrs.commit import Cause, Commit, following
from reference_service.cqrs.memory import InMemoryEventStore
from reference_service.cqrs.projection import Delivery, Position, extend
from reference_service.cqrs.rebuild import Progress, Share
from reference_service.cqrs.store import History
from reference_service.order.codec import OrderCodec
from reference_service.order.events import VERSIONS
from reference_service.schemas import Schemas

BATCH = 500
ROUNDS = 7
WORKERS = 2
LIVE_ORDERS, REBUILT_ORDERS = 4 * BATCH, 60_000
LIVE, LIVE_TOGETHER = "live", f"live, {WORKERS} shards"
REBUILD_ALONE, REBUILD, WHOLE = "rebuild, alone", f"rebuild, {WORKERS} workers", "whole"
# Histories that the memory gives at once; a page of DynamoDB's 1 MB holds about as many.
PAGE = 700
WANTED = {LIVE: 0.3, REBUILD: 0.5}
MEMORY_MB = 200
LINES = 3

CODEC = OrderCodec(Schemas.load(), writes=dict(VERSIONS))
PROJECT = project_order(CODEC)
PROJECTIONS = {version: (layout, PROJECT) for version, layout in LAYOUTS.items()}


def stream_of(number: int) -> str:
    """Spread by a hash; the last part tells the number."""
    spread = sha256(number.to_bytes(8, "big")).hexdigest()
    return f"order-{spread[:8]}-{spread[8:12]}-4{spread[12:15]}-8{spread[15:18]}-{number:012x}"


def placed(number: int) -> Commit:
    """The first commit of an order of three lines."""
    data = order()
    lines = data["lines"][:LINES]
    total = sum(line["quantity"] * line["unit_price"]["amount"] for line in lines)
    data |= {
        "customer_id": f"customer-{number % 5000}",
        "lines": lines,
        "total": {"amount": total, "currency": "EUR"},
    }
    entry = {"type": "OrderPlaced", "v": VERSIONS["OrderPlaced"], "data": data}
    return following(
        None,
        stream=stream_of(number),
        cause=Cause(
            command_id=f"{number:032x}",
            fingerprint="f" * 32,
            actor=data["customer_id"],
            causation=f"request-{number}",
            correlation=f"request-{number}",
        ),
        body=json.dumps([entry], ensure_ascii=False, separators=(",", ":")),
        count=1,
        at="2026-01-05T09:00:00.000Z",
        commit_id=f"{number:032x}",
    )


class Histories(InMemoryEventStore):
    """Orders of one commit, given by number: kept ready, or made as they are read."""

    def __init__(self, orders: int, make: Callable[[int], Commit]) -> None:
        super().__init__()
        self._orders = orders
        self._make = make

    def histories(
        self, cursor: str | None, *, segment: int = 0, segments: int = 1
    ) -> tuple[list[History], str | None]:
        first = int(cursor or 0)
        end = min(first + PAGE * segments, self._orders)
        page = [self._make(number) for number in range(first + segment, end, segments)]
        following_ = str(end) if end < self._orders else None
        return [History(commit.stream, [commit]) for commit in page], following_

    def load(self, stream: str, after: int = 0) -> list[Commit]:
        return [self._make(int(stream[-12:], 16))][after:]


def live_s(side: ReadSide, commits: Sequence[Commit]) -> float:
    """Seconds that the projector takes for the commits in batches."""
    took = 0.0
    for start in range(0, len(commits), BATCH):
        batch = [
            Delivery(id=commit.stream, stream=commit.stream, commits=(commit,))
            for commit in commits[start : start + BATCH]
        ]
        began = time.perf_counter()
        done = side.apply(batch)
        took += time.perf_counter() - began
        assert (done.advanced, done.failed) == (len(batch), []), done.error
    return took


def rebuilt(operator: ReadSide) -> tuple[Progress, float]:
    """What it came to, and when the tables had their keys."""
    keyed_at = 0.0

    def clock() -> float:
        nonlocal keyed_at
        now = time.perf_counter()
        progress = None if keyed_at else operator.progress()
        if progress and progress.phase not in ("scan", "keys"):
            keyed_at = now
        return now

    progress = operator.rebuild(3600, clock)
    assert progress is not None
    assert progress.phase == "live", progress.differences
    return progress, keyed_at


class Workers:
    """WORKERS that do the same at once: this process, and others that are forked and wait."""

    def __init__(self, make: Callable[[int], Callable[[Any], object]]) -> None:
        """`make(number)` gives what a worker does when it is asked, in its own process."""
        self._mine, self._others = make(0), []
        context = multiprocessing.get_context("fork")
        for number in range(1, WORKERS):
            ours, theirs = context.Pipe()
            context.Process(target=_worker, args=(theirs, make, number), daemon=True).start()
            self._others.append(ours)

    def do(self, asked: object) -> None:
        """Until the last of them is done."""
        for other in self._others:
            other.send(asked)
        self._mine(asked)
        for other in self._others:
            other.recv()


def _worker(pipe: Any, make: Callable[[int], Callable[[Any], object]], number: int) -> None:
    do = make(number)
    while True:
        do(pipe.recv())
        pipe.send(None)


def copied_s(session: "psycopg.Connection[Any]", commits: Sequence[Commit], size: int) -> float:
    """Seconds that COPY takes for what the commits come to, `size` of them in a transaction."""
    records = _records(commits)
    took = 0.0
    for start in range(0, len(commits), size):
        began = time.perf_counter()
        with session.transaction():
            for table, names, all_ in records[:2]:
                _copy(session, table, names, all_[start : start + size])
        took += time.perf_counter() - began
    began = time.perf_counter()
    _copy(session, *records[2])
    return took + time.perf_counter() - began


def _records(commits: Sequence[Commit]) -> list[tuple[str, Sequence[str], list[Any]]]:
    gates, rows, sums = [], [], {}
    (summary,) = ORDERS.sums
    for commit in commits:
        advance = extend(PROJECT, commit.stream, Position(), [commit])
        assert advance is not None
        assert advance.row is not None
        gates.append((commit.stream, 1, bytes.fromhex(commit.hash), commit.at))
        rows.append(ORDERS.rows.record(advance.row))
        sums[advance.row.customer_id] = (advance.row.customer_id, "EUR", 1, 0, 1, 0)
    return [
        ("gates", ("stream", "commit", "hash", "at"), gates),
        (ORDERS.rows.name, tuple(ORDERS.rows.columns), rows),
        (summary.name, summary.names, list(sums.values())),
    ]


def _copy(session: Any, table: str, names: Sequence[str], records: Sequence[Any]) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier("bare", table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with session.cursor() as cursor, cursor.copy(statement) as copy:
        for record in records:
            copy.write_row(record)


def _bare_tables(session: "psycopg.Connection[Any]") -> None:
    """Empty ones with their keys, in a schema of their own."""
    session.execute("DROP SCHEMA IF EXISTS bare CASCADE")
    for statement in (*ORDERS.made("bare"), *ORDERS.keyed("bare")):
        session.execute(statement)


def measured() -> dict[str, Any]:
    """Rows a second of both sides, and ratios: medians."""
    with migrated() as connect:
        rounds = {**_live_rounds(connect), **_rebuild_rounds(connect)}
    ratios = {name: median(bare / ours for ours, bare in took) for name, took in rounds.items()}
    return {
        "rows_per_s": {
            name: [_orders(name) / median(side) for side in zip(*took, strict=True)]
            for name, took in rounds.items()
        },
        "ratios": ratios,
        "wanted": WANTED,
        "reached": {name: ratios[name] >= wanted for name, wanted in WANTED.items()},
    }


def _orders(name: str) -> int:
    return LIVE_ORDERS if name in (LIVE, LIVE_TOGETHER) else REBUILT_ORDERS


def _live_rounds(connect: Connect) -> dict[str, list[tuple[float, float]]]:
    commits = [placed(number) for number in range(2 * ROUNDS * LIVE_ORDERS)]
    parts = [commits[n : n + LIVE_ORDERS] for n in range(0, len(commits), LIVE_ORDERS)]

    def projector() -> ReadSide:
        return ReadSide(Database(lambda: connect("projector")), InMemoryEventStore(), PROJECTIONS)

    def of_shard(number: int) -> Callable[[int], object]:
        side = projector()
        return lambda part: live_s(side, parts[part][number::WORKERS])

    shards, alone = Workers(of_shard), projector()
    one, together = [], []
    with connect("postgres") as session:
        _bare_tables(session)
        for part in range(0, len(parts), 2):
            session.execute("TRUNCATE bare.customer_summary")
            bare_s = copied_s(session, parts[part], BATCH)
            one.append((live_s(alone, parts[part]), bare_s))
            together.append((_took_s(lambda: shards.do(part + 1)), bare_s))  # noqa: B023
    return {LIVE: one, LIVE_TOGETHER: together}


def _rebuild_rounds(connect: Connect) -> dict[str, list[tuple[float, float]]]:
    commits = [placed(n) for n in range(REBUILT_ORDERS)]
    store = Histories(len(commits), lambda number: commits[number])

    def operator() -> ReadSide:
        return ReadSide(Database(lambda: connect("operations")), store, PROJECTIONS)

    def sharing(number: int) -> Callable[[object], object]:
        side, share = operator(), Share(number, WORKERS)
        return lambda _: side.rebuild(3600, time.perf_counter, share)

    workers, alone = Workers(sharing), operator()
    one: list[tuple[float, float]] = []
    together: list[tuple[float, float]] = []
    whole = []
    with connect("postgres") as session:
        # The live tables hold what the other bench left; nothing is to be compared with that.
        live = alone.live()
        tables = [f"{live.name}.{name}" for name in live.layout.shown]
        session.execute(f"TRUNCATE {', '.join(tables)}")
        for _ in range(ROUNDS):
            _bare_tables(session)
            bare_s = copied_s(session, commits, len(commits))
            for scan, keyed in ((None, one), (workers.do, together)):
                began = time.perf_counter()
                alone.begin("anew")
                if scan:
                    scan(None)
                _, keyed_at = rebuilt(alone)
                live_at = time.perf_counter()
                alone.drop_old()
                keyed.append((keyed_at - began, bare_s))
            whole.append((live_at - began, bare_s))
    return {REBUILD_ALONE: one, REBUILD: together, WHOLE: whole}


def _took_s(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def memory(orders: int) -> dict[str, Any]:
    """A rebuild of so many orders of one event, and the most memory the process had."""
    with migrated() as connect:
        store = Histories(orders, placed)
        operator = ReadSide(Database(lambda: connect("operations")), store, PROJECTIONS)
        began = time.perf_counter()
        operator.begin("anew")
        progress, _ = rebuilt(operator)
        took = time.perf_counter() - began
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"commits": progress.commits, "seconds": took, "peak_mb": peak_mb}


def show(found: dict[str, Any]) -> None:
    table = Table(title="Orders of one event and three lines, rows a second")
    for heading in ("", "ours", "bare COPY", "ratio", "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, (ours, bare) in found["rows_per_s"].items():
        ratio = found["ratios"][name]
        wanted = f">= {WANTED[name]:g}" if name in WANTED else ""
        table.add_row(name, f"{ours:,.0f}", f"{bare:,.0f}", f"{ratio:.2f}", wanted)
    Console().print(table)


def main(arguments: list[str]) -> int:
    if "--memory" in arguments:
        used = memory(int(arguments[arguments.index("--memory") + 1]))
        print(json.dumps(used))
        return 0 if used["peak_mb"] <= MEMORY_MB else 1
    found = measured()
    if "--json" in arguments:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if all(found["reached"].values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
