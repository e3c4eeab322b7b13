"""How quickly rows get into the read model: python -m benches.read_model [--json | --memory N]

live      batches of 500 new orders through the projector as its function runs it: checked, decoded
          and folded, then gates, sums and rows in one transaction
rebuild   histories from memory, checked, decoded, folded and filled in without keys by two workers,
          each a process as in two functions, then the keys
whole     the same, with the comparison row by row against what is live, and the swap

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
ORDERS_OF_A_ROUND = {"live": 4 * BATCH, "rebuild": 60_000, "whole": 60_000}
# Histories that the memory gives at once; a page of DynamoDB's 1 MB holds about as many.
PAGE = 700
WANTED = {"live": 0.3, "rebuild": 0.5}
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
    """WORKERS rebuild together: this process, and others that are forked and wait meanwhile."""

    def __init__(self, make: Callable[[], ReadSide]) -> None:
        self._operator = make()
        self._others = []
        for number in range(1, WORKERS):
            ours, theirs = multiprocessing.Pipe()
            work = (theirs, make, Share(number, WORKERS))
            context = multiprocessing.get_context("fork")
            context.Process(target=_worker, args=work, daemon=True).start()
            self._others.append(ours)

    def rebuild_s(self) -> tuple[float, float]:
        """Seconds until the new tables had their keys, and until they were live."""
        began = time.perf_counter()
        self._operator.begin("anew")
        for other in self._others:
            other.send(True)
        self._operator.rebuild(3600, time.perf_counter, Share(0, WORKERS))
        for other in self._others:
            other.recv()
        _, keyed_at = rebuilt(self._operator)
        took = time.perf_counter() - began
        self._operator.drop_old()
        return keyed_at - began, took


def _worker(pipe: Any, make: Callable[[], ReadSide], share: Share) -> None:
    operator = make()
    while pipe.recv():
        pipe.send(operator.rebuild(3600, time.perf_counter, share))


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
        live, rebuilds = _live_rounds(connect), _rebuild_rounds(connect)
    rounds = {
        "live": live,
        "rebuild": [(keyed_s, bare_s) for keyed_s, _, bare_s in rebuilds],
        "whole": [(whole_s, bare_s) for _, whole_s, bare_s in rebuilds],
    }
    ratios = {name: median(bare / ours for ours, bare in took) for name, took in rounds.items()}
    return {
        "rows_per_s": {
            name: [ORDERS_OF_A_ROUND[name] / median(side) for side in zip(*took, strict=True)]
            for name, took in rounds.items()
        },
        "ratios": ratios,
        "wanted": WANTED,
        "reached": {name: ratios[name] >= wanted for name, wanted in WANTED.items()},
    }


def _live_rounds(connect: Connect) -> list[tuple[float, float]]:
    size = ORDERS_OF_A_ROUND["live"]
    side = ReadSide(Database(lambda: connect("projector")), InMemoryEventStore(), PROJECTIONS)
    took = []
    with connect("postgres") as session:
        _bare_tables(session)
        for number in range(ROUNDS):
            commits = [placed(number * size + n) for n in range(size)]
            session.execute("TRUNCATE bare.customer_summary")
            took.append((live_s(side, commits), copied_s(session, commits, BATCH)))
    return took


def _rebuild_rounds(connect: Connect) -> list[tuple[float, float, float]]:
    commits = [placed(n) for n in range(ORDERS_OF_A_ROUND["rebuild"])]
    store = Histories(len(commits), lambda number: commits[number])

    def operator() -> ReadSide:
        return ReadSide(Database(lambda: connect("operations")), store, PROJECTIONS)

    workers = Workers(operator)
    took = []
    with connect("postgres") as session:
        # The live tables hold what the other bench left; nothing is to be compared with that.
        live = operator().live()
        tables = [f"{live.name}.{name}" for name in live.layout.shown]
        session.execute(f"TRUNCATE {', '.join(tables)}")  # type: ignore[arg-type]
        for _ in range(ROUNDS):
            _bare_tables(session)
            keyed_s, whole_s = workers.rebuild_s()
            took.append((keyed_s, whole_s, copied_s(session, commits, len(commits))))
    return took


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
