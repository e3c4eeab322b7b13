"""What the operations function tells an audit of the read model."""

import json
from typing import Any

import pytest

from tests.aws.orders import CONFIRMED, order_commits, order_id
from tests.functions.stage import Project, Stage
from tests.order.ana import ANA

WHOLE = order_commits(921, CONFIRMED[:1], CONFIRMED[1:])
BEGUN = order_commits(922, CONFIRMED[:1])
PARKED = order_commits(603, CONFIRMED[:1])
NOBODY = f"order-{order_id(604)}"


@pytest.fixture
def asked(stage_with_database: Stage, project: Project) -> Any:
    """Ask operations, of a read model with two orders and a stream that was parked first thing."""
    project(WHOLE, BEGUN)
    assert stage_with_database.read_side
    with stage_with_database.read_side.connect() as admin:
        admin.execute(
            "INSERT INTO read_model.parked (stream, commit, reason) VALUES (%s, 1, 'no state')",
            [PARKED[0].stream],
        )
    operations = stage_with_database.function("operations")

    def ask(page: int = 1000, **event: Any) -> Any:
        operations.operations.audit_views._page = page
        return json.loads(json.dumps(operations.handler(event, None)))

    return ask


def test_gate_row_and_marker_of_each_stream_are_told(asked: Any) -> None:
    streams = [WHOLE[0].stream, PARKED[0].stream, NOBODY, "heartbeat"]
    told = {view["stream"]: view for view in asked(operation="views", streams=streams)["views"]}
    whole, parked, nobody, other = (told[stream] for stream in streams)
    head = WHOLE[-1]
    assert whole["gate"] == {"commit": head.commit, "hash": head.hash}
    assert (whole["row"]["version"], whole["row"]["status"]) == (head.version, "confirmed")
    assert whole["row"]["updated_at"] == head.at
    assert whole["parked"] is None
    assert parked == {
        "stream": PARKED[0].stream,
        "gate": None,
        "row": None,
        "parked": {"commit": 1, "reason": "no state"},
    }
    nothing = {"gate": None, "row": None, "parked": None}
    assert nobody == {"stream": NOBODY, **nothing}
    assert other == {"stream": "heartbeat", **nothing}


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def test_every_stream_that_it_knows_comes_whatever_the_page(asked: Any, page: int) -> None:
    found: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        answer = asked(page, operation="viewed", cursor=cursor)
        assert len(answer["streams"]) <= page
        found += answer["streams"]
        cursor, pages = answer["cursor"], pages + 1
        assert pages < 20
    gates = [WHOLE[0].stream, BEGUN[0].stream]
    assert sorted(found) == sorted([*gates, *gates, PARKED[0].stream])


def test_a_sum_that_is_not_that_of_its_rows_is_told(asked: Any, stage_with_database: Stage) -> None:
    assert asked(operation="wrong-sums") == {"sums": []}
    assert stage_with_database.read_side
    with stage_with_database.read_side.connect() as admin:
        admin.execute("UPDATE read_model.customer_summary SET total = total + 1")
    wrong = {"table": "customer_summary", "group": [ANA, "EUR"]}
    assert asked(operation="wrong-sums") == {"sums": [wrong]}


@pytest.mark.parametrize("cursor", ["pg_authid", "gates'/x", "order_summary/1"])
def test_what_is_no_cursor_is_refused(asked: Any, cursor: str) -> None:
    answer = asked(operation="viewed", cursor=cursor)
    assert answer == {"error": f"{cursor!r} is no cursor of this list"}
