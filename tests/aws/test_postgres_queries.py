"""Pages of a long list: each costs what it shows, however deep it lies."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from reference_service.aws.order_tables import LAYOUTS
from reference_service.aws.postgres import Database
from reference_service.aws.postgres_queries import Listing, PostgresQueries
from tests.database import ReadSide

CUSTOMER, ORDERS = "collector", 20_000
STARTED = datetime(2026, 1, 1, tzinfo=UTC)
# One is placed each second, every fifth by somebody else. One in 1,000 is cancelled, one in 20
# still placed, all others are confirmed.
FILL = """
    INSERT INTO read_model.order_summary
    SELECT gen_random_uuid(), CASE mod(n, 5) WHEN 0 THEN 'other' ELSE %s END,
        CASE WHEN mod(n, 1000) = 1 THEN 'cancelled' WHEN mod(n, 20) = 1 THEN 'placed'
            ELSE 'confirmed' END,
        1, 'EUR', 100, 0,
        '[{"sku": "a", "quantity": 1, "unit_price": {"amount": 100, "currency": "EUR"}}]',
        NULL, NULL, CASE mod(n, 1000) WHEN 1 THEN 'other' END,
        %s + n * interval '1 second', now()
    FROM generate_series(1, %s) AS n
"""
# Blocks that PostgreSQL has fetched in this transaction: of the table and of its indexes.
BLOCKS_FETCHED = """
    SELECT sum(pg_stat_get_xact_blocks_fetched(relation)) FROM (
        SELECT '{table}'::regclass::oid
        UNION ALL
        SELECT indexrelid FROM pg_index WHERE indrelid = '{table}'::regclass
    ) AS relations (relation)
"""
PAGE = 5


class Watched:
    """A session that keeps the plan and the blocks of the last page it was asked for.

    The page is read with the plan for its very parameters, and with the one kept for all.
    """

    def __init__(self, session: "psycopg.Connection[Any]", table: str) -> None:
        self._session = session
        self._blocks_fetched = BLOCKS_FETCHED.replace("{table}", table)
        self.plan: dict[str, Any] = {}
        self.blocks: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, query: Any, parameters: Any) -> Any:
        if isinstance(query, sql.Composed):  # which generation is live
            return self._session.execute(query, parameters)
        explain = b"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query
        [[[explained]]] = self._session.execute(explain, parameters).fetchall()
        self.plan = explained["Plan"]
        self.blocks = [self.plan["Shared Hit Blocks"] + self.plan["Shared Read Blocks"]]
        for mode in ("force_custom_plan", "force_generic_plan"):
            self._session.execute(f"SET plan_cache_mode = {mode}")
            before = self._fetched()
            page = self._session.execute(query, parameters, prepare=True)
            self.blocks.append(self._fetched() - before)
        return page

    def _fetched(self) -> int:
        [[blocks]] = self._session.execute(self._blocks_fetched).fetchall()
        return int(blocks)


@pytest.fixture
def watched(read_side: ReadSide) -> Watched:
    with read_side.connect() as admin:
        admin.execute(FILL, [CUSTOMER, STARTED, ORDERS])
        table = f"{read_side.live().name}.order_summary"
        admin.execute(f"VACUUM ANALYZE {table}")
    return Watched(read_side.connect("query"), table)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize(
    ("options", "index", "pages_deep"),
    [
        pytest.param({}, "order_summary_of_customer", 3000, id="all"),
        pytest.param(
            {"placed_from": STARTED + timedelta(seconds=ORDERS / 10)},
            "order_summary_of_customer",
            2700,
            id="placed from a moment on",
        ),
        pytest.param(
            {"status": "placed"}, "order_summary_of_customer_by_status", 180, id="of a status"
        ),
        pytest.param(
            {"status": "cancelled"}, "order_summary_of_customer_by_status", 3, id="of a rare one"
        ),
    ],
)
def test_what_a_page_costs_does_not_depend_on_its_depth(
    watched: Watched, options: dict[str, Any], index: str, pages_deep: int
) -> None:
    listing = Listing(customer_id=CUSTOMER, **options)
    queries = PostgresQueries(Database(lambda: watched), LAYOUTS, 1)  # type: ignore[arg-type,return-value]
    deep = queries.of_customer(listing, pages_deep * PAGE, None).cursor
    assert deep
    costs = []
    for cursor in (None, deep):
        assert len(queries.of_customer(listing, PAGE, cursor).rows) == PAGE
        (scan,) = [
            node for node in nodes(watched.plan) if node.get("Relation Name") == "order_summary"
        ]
        assert (scan["Node Type"], scan["Index Name"]) == ("Index Scan", index)
        assert scan.get("Rows Removed by Filter", 0) == 0
        (limit,) = [node for node in nodes(watched.plan) if node["Node Type"] == "Limit"]
        assert limit["Plans"] == [scan], "nothing is sorted before the page is cut"
        costs += watched.blocks
    assert max(costs) <= 5 * PAGE, costs


def test_a_page_far_before_the_newest_order_costs_no_more(watched: Watched) -> None:
    long_ago = Listing(customer_id=CUSTOMER, placed_to=STARTED + timedelta(seconds=ORDERS / 100))
    queries = PostgresQueries(Database(lambda: watched), LAYOUTS, 1)  # type: ignore[arg-type,return-value]
    page = queries.of_customer(long_ago, PAGE, None)
    assert page.rows[0].placed_at == "2026-01-01T00:03:19.000Z"
    assert max(watched.blocks) <= 5 * PAGE
