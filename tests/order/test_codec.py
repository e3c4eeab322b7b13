"""Events become the body of a commit and come back, held to their contracts both ways."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reference_service.order.codec import EVENTS, OrderCodec
from reference_service.order.events import (
    OLDEST_READERS,
    VERSIONS,
    Event,
    OrderCancelled,
    OrderConfirmed,
)
from reference_service.order.money import Money
from reference_service.schemas import (
    Fault,
    InvalidEvent,
    Schemas,
    Undecodable,
    event_folder,
    event_schema,
)
from tests.contracts.language import example
from tests.contracts.tomorrow import GAINED, cancelled_tomorrow, tomorrow
from tests.order.ana import PLACED, TOTAL, paid
from tests.order.golden import entry

CODEC = OrderCodec(Schemas.load())
PLACED_V1 = example(event_schema("internal", "OrderPlaced", 1), "full")

KNOWN = VERSIONS["OrderCancelled"]


def body(event_type: str, data: Any, v: Any = 1) -> str:
    return json.dumps([{"type": event_type, "v": v, "data": data}])


@pytest.mark.parametrize("form", ["minimal", "full"])
@pytest.mark.parametrize("event_type", EVENTS)
def test_every_example_is_read_and_written_again_the_same(event_type: str, form: str) -> None:
    newest = VERSIONS[event_type]
    data = example(event_schema("internal", event_type, newest), form)
    [event] = CODEC.decode(body(event_type, data, newest))
    assert type(event).__name__ == event_type
    assert json.loads(CODEC.encode([event])) == [entry(event_type, newest, data)]


def test_the_events_of_a_commit_keep_their_order() -> None:
    events: list[Event] = [paid(TOTAL), OrderConfirmed(total=TOTAL)]
    assert CODEC.decode(CODEC.encode(events)) == events


def test_an_event_that_breaks_its_contract_is_not_written() -> None:
    with pytest.raises(InvalidEvent) as refused:
        CODEC.encode([paid(TOTAL), OrderConfirmed(total=Money(0, "euro"))])
    assert refused.value.event_type == "OrderConfirmed"
    assert refused.value.faults == (
        Fault("/total/amount", "must be at least 1"),
        Fault("/total/currency", "must match ^[A-Z]{3}$"),
    )


def test_a_refused_event_does_not_repeat_personal_values() -> None:
    assert PLACED.delivery is not None
    delivery = msgspec.structs.replace(PLACED.delivery, street="Secret Street\n7")
    with pytest.raises(InvalidEvent) as refused:
        CODEC.encode([msgspec.structs.replace(PLACED, delivery=delivery)])
    assert "/delivery/street" in str(refused.value)
    assert "Secret" not in str(refused.value)


def test_an_integer_written_with_a_fraction_of_zero_is_an_integer() -> None:
    stored = '[{"type":"OrderConfirmed","v":1,"data":{"total":{"amount":4190.0,"currency":"EUR"}}}]'
    [event] = CODEC.decode(stored)
    assert isinstance(event, OrderConfirmed)
    assert (event.total.amount, type(event.total.amount)) == (4190, int)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("", "no list of events"),
        ("{}", "no list of events"),
        ("[", "no list of events"),
        ("[" * 100_000, "no list of events"),
        ('[{"type":"OrderShipped","v":1,"data":{"shipment_id":"\\ud800"}}]', "no list of events"),
        ("[]", "holds no event"),
        (body("OrderShipped", {"shipment_id": "s"}, v="1"), "no list of events"),
        (body("OrderShipped", {"shipment_id": "s"}, v=99), "OrderShipped has version 99; here "),
        (body("OrderShipped", {"shipment_id": "s"}, v=0), "OrderShipped has version 0"),
        (body("OrderLost", {}), "OrderLost is not an event"),
        (body("OrderShipped", {}), "OrderShipped breaks its contract: /shipment_id is required"),
        (body("OrderShipped", {"shipment_id": "s", "x": 1}), "/x is not a known property"),
        (body("OrderPlaced", PLACED_V1, v=3), "OrderPlaced breaks its contract: /delivery/address"),
    ],
)
def test_a_body_that_cannot_be_read_says_why(stored: str, reason: str) -> None:
    with pytest.raises(Undecodable) as refused:
        CODEC.decode(stored)
    assert reason in refused.value.reason


class TestTomorrow:
    """Another deployment knows the next version of OrderCancelled, which gained a note."""

    versions = VERSIONS | {"OrderCancelled": KNOWN + 1}
    oldest_readers = OLDEST_READERS | {("OrderCancelled", KNOWN + 1): 1}

    @pytest.fixture
    def contracts(self, tmp_path: Path) -> Schemas:
        return tomorrow(tmp_path / "contracts", event_folder("internal", "OrderCancelled"))

    @pytest.fixture
    def codec(self, contracts: Schemas) -> OrderCodec:
        return OrderCodec(contracts, self.versions, self.versions, self.oldest_readers)

    def test_tells_which_older_readers_can_read_on(self, codec: OrderCodec) -> None:
        body = codec.encode([OrderCancelled(reason="other"), OrderConfirmed(total=TOTAL)])
        cancelled, confirmed = json.loads(body)
        assert (cancelled["v"], cancelled["r"]) == (KNOWN + 1, 1)
        assert confirmed == entry("OrderConfirmed", VERSIONS["OrderConfirmed"], confirmed["data"])

    def test_is_read_today_without_what_it_gained(self, codec: OrderCodec) -> None:
        stored = json.dumps([cancelled_tomorrow(r=1)])
        assert CODEC.decode(stored) == [OrderCancelled(reason="other")]
        assert codec.decode(stored) == [OrderCancelled(reason="other")]

    def test_writes_what_today_expects_until_it_is_configured(self, contracts: Schemas) -> None:
        cautious = OrderCodec(contracts, VERSIONS, self.versions, self.oldest_readers)
        body = cautious.encode([OrderCancelled(reason="other")])
        assert json.loads(body) == [entry("OrderCancelled", KNOWN, {"reason": "other"})]

    @pytest.mark.parametrize("r", [{}, {"r": KNOWN + 1}, {"r": 0}, {"r": None}])
    def test_is_not_guessed_at(self, r: dict[str, Any]) -> None:
        with pytest.raises(Undecodable) as refused:
            CODEC.decode(json.dumps([cancelled_tomorrow(**r)]))
        told = f"OrderCancelled has version {KNOWN + 1}; here {KNOWN} is the newest"
        assert refused.value.reason == told

    def test_is_refused_where_it_breaks_what_is_known(self) -> None:
        broken = cancelled_tomorrow(reason="because", r=1)
        with pytest.raises(Undecodable, match="/reason must be one of"):
            CODEC.decode(json.dumps([broken]))

    def test_a_version_that_is_known_holds_no_unknown_field(self) -> None:
        with pytest.raises(Undecodable, match=f"/{GAINED} is not a known property"):
            CODEC.decode(json.dumps([cancelled_tomorrow(v=KNOWN, r=1)]))
