"""The read model in DynamoDB: lost answers, partial answers, and what one item holds and costs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config

from bitacora.faults import FaultProxy, LoseAnswer, Refuse, Rule
from reference_service.aws.dynamodb_read_model import ATTEMPTS, DynamoDBReadModel
from reference_service.bootstrap import project_status
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.gate import START, after
from reference_service.cqrs.parking import Parked
from reference_service.cqrs.projection import (
    Advance,
    Park,
    Position,
    Projector,
    Unstorable,
)
from reference_service.cqrs.store import Unavailable
from reference_service.order.status import OrderStatus
from reference_service.tables import ORDER_STATUS
from tests.aws.orders import CODEC
from tests.cqrs.read_model_contract import at_end, deliver, folded, shipped, step, stored
from tests.emulator import REGION, Emulator

TABLE = "order-status-under-test"
PROJECT = project_status(CODEC)


@pytest.fixture(scope="module")
def table(emulator: Emulator) -> str:
    emulator.create_table(TABLE, ORDER_STATUS)
    return TABLE


@pytest.fixture
def model(emulator: Emulator, table: str) -> DynamoDBReadModel:
    return DynamoDBReadModel(emulator.client("dynamodb"), table, OrderStatus)


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(lambda: emulator.endpoint) as proxy:
        yield proxy


def client(endpoint: str, attempts: int = 3) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            connect_timeout=1,
            read_timeout=1,
            retries={"mode": "standard", "total_max_attempts": attempts},
        ),
    )


def through(proxy: FaultProxy, table: str, attempts: int = 3) -> DynamoDBReadModel:
    return DynamoDBReadModel(client(proxy.url, attempts), table, OrderStatus)


def about(stream: str) -> Any:
    return lambda body: stream.encode() in body


def item(emulator: Emulator, stream: str) -> dict[str, Any]:
    found = emulator.client("dynamodb").get_item(
        TableName=TABLE, Key={"stream": {"S": stream}}, ConsistentRead=True
    )
    return dict(found["Item"])


def change(emulator: Emulator, stream: str, **attributes: Any) -> None:
    emulator.client("dynamodb").put_item(TableName=TABLE, Item=item(emulator, stream) | attributes)


def test_a_write_whose_answer_was_lost_is_known_as_our_own(
    proxy: FaultProxy, table: str, model: DynamoDBReadModel
) -> None:
    order = shipped()
    for reached in (1, 2):
        proxy.inject(Rule(fault=LoseAnswer(), service="dynamodb", operation="UpdateItem"))
        assert through(proxy, table).advance([step(PROJECT, order[:reached])])
    assert proxy.seen("dynamodb", "UpdateItem") == 4
    assert model.positions([order[0].stream])[order[0].stream] == at_end(PROJECT, order[:2])


def test_a_write_of_another_row_for_the_same_commit_is_not_taken_for_our_own(
    model: DynamoDBReadModel,
) -> None:
    """Of two deployments that project differently, the one that came second must not be told so."""
    first = step(PROJECT, shipped()[:1])
    assert first.row
    model.advance([first])
    other = msgspec.structs.replace(first.row, total=1)
    assert model.advance([Advance(first.stream, START, first.end, other, at=first.at)]) == set()
    assert model.positions([first.stream])[first.stream].row == first.row


def test_streams_that_can_not_be_written_do_not_hold_up_the_others(
    proxy: FaultProxy, table: str, model: DynamoDBReadModel
) -> None:
    orders = [shipped() for _ in range(4)]
    cut_off = orders[1][0].stream
    refuse = Rule(
        fault=Refuse(),
        service="dynamodb",
        operation="UpdateItem",
        times=None,
        body=about(cut_off),
    )
    proxy.inject(refuse)
    projector = Projector(stored(*orders), through(proxy, table, attempts=1), PROJECT)
    batch = [deliver(*order) for order in orders]
    done = projector.apply(batch)
    assert done.failed == batch  # in order: what was applied is seen next time
    assert cut_off in (done.error or "")
    assert done.advanced == sum(len(order) for order in orders if order[0].stream != cut_off)
    streams = [order[0].stream for order in orders]
    expected = {order[0].stream: at_end(PROJECT, order) for order in orders}
    assert model.positions(streams) == {**expected, cut_off: Position()}
    proxy.clear()
    again = projector.apply(batch)
    assert (again.failed, again.advanced) == ([], len(orders[1]))
    assert model.positions(streams) == expected


def test_a_table_that_is_away_is_unavailable(proxy: FaultProxy, table: str) -> None:
    proxy.inject(Rule(fault=Refuse(), service="dynamodb", operation="*", times=None))
    model, order = through(proxy, table, attempts=1), shipped()
    with pytest.raises(Unavailable, match=order[0].stream):
        model.advance([step(PROJECT, order[:1])])
    with pytest.raises(Unavailable):
        model.positions([order[0].stream])
    with pytest.raises(Unavailable, match=order[0].stream):
        model.look_up(order[0].stream)
    with pytest.raises(Unavailable):
        model.parked("order_status", None, 10)


def left_out(parsed: dict[str, Any], keep: int) -> None:
    """As the API describes a partial answer: the emulator never gives one."""
    found = parsed["Responses"][TABLE]
    parsed["Responses"][TABLE] = found[:keep]
    keys = [{"stream": one["stream"]} for one in found[keep:]]
    if keys:
        parsed["UnprocessedKeys"] = {TABLE: {"Keys": keys, "ConsistentRead": True}}


def test_keys_that_were_left_out_are_asked_for_again(
    emulator: Emulator, table: str, model: DynamoDBReadModel
) -> None:
    orders = [shipped()[:1] for _ in range(5)]
    model.advance([step(PROJECT, order) for order in orders])
    pauses: list[float] = []
    partial = client(emulator.endpoint)
    partial.meta.events.register(
        "after-call.dynamodb.BatchGetItem", lambda parsed, **_: left_out(parsed, keep=2)
    )
    reading = DynamoDBReadModel(partial, table, OrderStatus, pause=pauses.append)
    streams = [order[0].stream for order in orders]
    assert reading.positions([*streams, "poison"]) == {
        **{order[0].stream: at_end(PROJECT, order) for order in orders},
        "poison": Position(),
    }
    assert pauses == [0.05, 0.1]


def test_keys_that_are_always_left_out_are_unavailable_and_never_unknown(
    emulator: Emulator, table: str, model: DynamoDBReadModel
) -> None:
    order = shipped()[:1]
    model.advance([step(PROJECT, order)])
    pauses: list[float] = []
    partial = client(emulator.endpoint)
    partial.meta.events.register(
        "after-call.dynamodb.BatchGetItem", lambda parsed, **_: left_out(parsed, keep=0)
    )
    reading = DynamoDBReadModel(partial, table, OrderStatus, pause=pauses.append)
    with pytest.raises(Unavailable, match="1 keys were left out"):
        reading.positions([order[0].stream])
    assert len(pauses) == ATTEMPTS - 1


def test_gates_are_read_strongly_consistent_and_a_look_up_is_not(
    emulator: Emulator, table: str, model: DynamoDBReadModel
) -> None:
    order = shipped()
    model.advance([step(PROJECT, order[:1])])
    asked: list[dict[str, Any]] = []
    noting = client(emulator.endpoint)
    for operation in ("BatchGetItem", "GetItem"):
        noting.meta.events.register(
            f"provide-client-params.dynamodb.{operation}",
            lambda params, **_: asked.append(params),
        )
    reading = DynamoDBReadModel(noting, table, OrderStatus)
    assert reading.positions([order[0].stream])[order[0].stream] == at_end(PROJECT, order[:1])
    assert reading.look_up(order[0].stream) == at_end(PROJECT, order[:1])
    assert reading.look_up("poison") == Position()
    assert asked[0]["RequestItems"][table]["ConsistentRead"] is True
    assert "ConsistentRead" not in asked[1]


def test_what_is_parked_is_listed_a_page_at_a_time_and_nothing_else(emulator: Emulator) -> None:
    emulator.create_table("order-status-parked", ORDER_STATUS)
    minutes = (datetime(2026, 1, 1, 12, n, tzinfo=UTC) for n in range(60))
    model = DynamoDBReadModel(
        emulator.client("dynamodb"),
        "order-status-parked",
        OrderStatus,
        now=lambda: next(minutes),
    )
    assert model.parked("order_status", None, 10) == ([], None)
    orders = [shipped() for _ in range(8)]
    model.advance([step(PROJECT, order[:1]) for order in orders])
    stuck = []
    for number, order in enumerate(orders[:5]):
        model.advance([parking(order, Park(2, f"reason {number}"))])
        since = f"2026-01-01T12:0{number}:00.000Z"
        stuck.append(Parked("order_status", order[0].stream, 2, f"reason {number}", since))
    listed: list[Parked] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        page, cursor = model.parked("order_status", cursor, 2)
        assert len(page) <= 2
        listed, pages = listed + page, pages + 1
        assert pages < 10
    assert sorted(listed, key=lambda one: one.stream) == stuck
    model.advance([step(PROJECT, order[:2]) for order in orders[:5]])
    assert model.parked("order_status", None, 10) == ([], None)


def test_a_stream_tells_since_when_it_stands_where_it_does(emulator: Emulator, table: str) -> None:
    minutes = (datetime(2026, 1, 1, 12, n, tzinfo=UTC) for n in range(60))
    model = DynamoDBReadModel(
        emulator.client("dynamodb"), table, OrderStatus, now=lambda: next(minutes)
    )
    order = shipped()
    model.advance([step(PROJECT, order[:1])])
    for _ in range(2):
        model.advance([parking(order, Park(2, "reason"))])
        assert item(emulator, order[0].stream)["since"] == {"S": "2026-01-01T12:00:00.000Z"}
    further = msgspec.structs.replace(step(PROJECT, order[:2]), park=Park(3, "another"))
    model.advance([further])
    assert item(emulator, order[0].stream)["since"] == {"S": "2026-01-01T12:02:00.000Z"}
    model.advance([step(PROJECT, order)])
    assert "since" not in item(emulator, order[0].stream)


def parking(order: list[Commit], park: Park) -> Advance:
    return Advance(order[0].stream, after(order[0]), after(order[0]), park=park)


def test_a_marker_is_storable_whatever_its_reason(
    emulator: Emulator, model: DynamoDBReadModel
) -> None:
    order = shipped()
    model.advance([step(PROJECT, order[:1])])
    assert model.advance([parking(order, Park(2, "half \ud800, nul \x00" + "é" * 100_000))])
    parked = model.positions([order[0].stream])[order[0].stream].parked
    assert (parked or "").startswith("half ?, nul \x00é")
    assert size_bytes(item(emulator, order[0].stream)) < 2048


def test_a_row_beyond_the_size_of_an_item_is_unstorable(model: DynamoDBReadModel) -> None:
    """Its stream is parked alone, and what was written beside it counts."""
    large, other = shipped(), shipped()

    def inflated(row: Any, commit: Commit) -> OrderStatus:
        status: OrderStatus = PROJECT(row, commit)
        if commit.stream == large[0].stream:
            return msgspec.structs.replace(status, customer_id="x" * 410_000)
        return status

    with pytest.raises(Unstorable):
        model.advance([step(inflated, large[:1])])
    done = Projector(stored(large, other), model, inflated).apply(
        [deliver(*large), deliver(*other)]
    )
    assert done.failed == []
    assert list(done.parked) == [large[0].stream]
    assert done.advanced == len(other)
    positions = model.positions([large[0].stream, other[0].stream])
    assert positions[other[0].stream] == at_end(PROJECT, other)
    assert positions[large[0].stream].gate == START
    assert "refuses the row" in (positions[large[0].stream].parked or "")


@pytest.mark.parametrize(
    "damage", [{"total": {"S": "much"}}, {"total": {"N": "1.5"}}, {"status": {"S": "lost"}}]
)
def test_a_row_that_can_not_be_read_parks_its_stream_and_no_other(
    emulator: Emulator, model: DynamoDBReadModel, damage: dict[str, Any]
) -> None:
    damaged, other = shipped(), shipped()
    for order in (damaged, other):
        model.advance([step(PROJECT, order[:1])])
    change(emulator, damaged[0].stream, **damage)
    projector = Projector(stored(damaged, other), model, PROJECT)
    assert projector.apply([deliver(*damaged), deliver(*other)]).failed == []
    assert model.positions([other[0].stream])[other[0].stream] == at_end(PROJECT, other)
    position = model.positions([damaged[0].stream])[damaged[0].stream]
    assert (position.gate, position.row) == (after(damaged[0]), None)
    assert position.parked
    # The way back: without its item the stream is projected from its first commit on.
    key = {"stream": {"S": damaged[0].stream}}
    emulator.client("dynamodb").delete_item(TableName=TABLE, Key=key)
    assert projector.repair(damaged[0].stream).end == len(damaged)
    found = model.positions([damaged[0].stream])[damaged[0].stream]
    assert found == at_end(PROJECT, damaged)


def test_an_item_is_one_write_unit(emulator: Emulator, model: DynamoDBReadModel) -> None:
    """With the longest customer and shipment that the contracts allow; 1,024 bytes are a unit."""
    order = shipped()
    row = folded(PROJECT, order)
    longest = msgspec.structs.replace(
        row, customer_id="c" * 64, shipment_id="s" * 64, total=2**53 - 1, paid=2**53 - 1
    )
    model.advance([Advance(order[0].stream, START, after(order[-1]), longest, at=order[-1].at)])
    stored_bytes = size_bytes(item(emulator, order[0].stream))
    assert 400 < stored_bytes < 600


def size_bytes(item: dict[str, Any]) -> int:
    """As DynamoDB counts: names and values; source: "DynamoDB item sizes and formats"."""
    size = 0
    for name, attribute in item.items():
        ((kind, value),) = attribute.items()
        size += len(name)
        size += (
            (len(value) + 1) // 2 + 1
            if kind == "N"
            else len(value.encode() if kind == "S" else value)
        )
    return size


def test_a_row_has_no_field_of_the_gate(emulator: Emulator) -> None:
    class Wrong(msgspec.Struct):
        hash: str

    with pytest.raises(ValueError, match="hash"):
        DynamoDBReadModel(emulator.client("dynamodb"), TABLE, Wrong)
