"""Every version of an event that was ever stored is read for ever, as the newest one."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bitacora.contracts.folder import LOCK, Folder
from bitacora.contracts.lock import release
from reference_service.order.codec import EVENTS, OrderCodec
from reference_service.order.events import VERSIONS, OrderPlaced
from reference_service.order.money import Money
from reference_service.order.versions import UPCASTERS
from reference_service.schemas import CONTRACTS as FOLDER
from reference_service.schemas import InvalidEvent, Schemas, event_schema
from tests.contracts import language
from tests.contracts.generated import instances
from tests.order import golden
from tests.order.ana import PLACED

CONTRACTS = Schemas.load()
CODEC = OrderCodec(CONTRACTS)
GENERATED = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
STORED = [(kind, each) for kind, newest in VERSIONS.items() for each in range(1, newest + 1)]
LARGEST: dict[str, Any] = {
    "customer_id": "c",
    "lines": [{"sku": "A", "quantity": 9999.0, "unit_price": "9999999.99"}] * 50,
    "delivery": {
        "recipient": "r",
        "address": f"{'s' * 200}\n{'1' * 16} {'ç' * 100}",
        "country": "ES",
    },
}


def stored(kind: str, version: int, data: Any) -> str:
    return json.dumps([{"type": kind, "v": version, "data": data}])


def written_in(version: int) -> OrderCodec:
    return OrderCodec(CONTRACTS, writes=VERSIONS | {"OrderPlaced": version})


@pytest.mark.parametrize("file", sorted(golden.FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_what_was_stored_once_is_read_for_ever(file: Path) -> None:
    kept = json.loads(file.read_text("utf-8"))
    [event] = CODEC.decode(f"[{kept['stored']}]")
    assert type(event).__name__ == json.loads(kept["stored"])["type"]
    assert golden.as_data(event) == kept["read"]


def test_of_every_released_version_something_is_kept() -> None:
    assert golden.missing() == [], "write what is stored of it: python -m tests.order.golden"


def test_a_version_is_kept_from_its_release_on(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    (tmp_path / LOCK).unlink(missing_ok=True)
    assert list(golden.wanted(tmp_path)) == []
    release(tmp_path, Folder.read(tmp_path))
    assert list(golden.wanted(tmp_path)) == [
        (kind, version, form) for kind, version in STORED for form in golden.FORMS
    ]


def test_all_versions_of_anas_order_are_one_event() -> None:
    for version in (1, 2, 3):
        name = event_schema("internal", "OrderPlaced", version)
        assert CODEC.decode(stored("OrderPlaced", version, language.example(name, "full"))) == [
            PLACED
        ]


def straight_to_version_3(v1: dict[str, Any]) -> dict[str, Any]:
    """What the steps must lead to, written in one go and with another arithmetic."""

    def euros(amount: Decimal) -> dict[str, Any]:
        return {"amount": int(amount.scaleb(2)), "currency": "EUR"}

    lines = [{**line, "unit_price": euros(Decimal(line["unit_price"]))} for line in v1["lines"]]
    total = sum(Decimal(line["unit_price"]) * int(line["quantity"]) for line in v1["lines"])
    delivery = v1["delivery"]
    if delivery is not None:
        printed = delivery["address"].split("\n")
        postal_code, city = printed[1].split(" ", 1)
        split = {"street": printed[0], "postal_code": postal_code, "city": city}
        kept = {"recipient": delivery["recipient"], "country": delivery["country"]}
        delivery = kept | split
    return {
        "customer_id": v1["customer_id"],
        "lines": lines,
        "total": euros(Decimal(total)),
        "delivery": delivery,
    }


@given(instances("events/internal/order_placed/v1"))
@example(LARGEST)
@GENERATED
def test_step_by_step_is_the_same_as_straight(v1: dict[str, Any]) -> None:
    assert CONTRACTS.check("events/internal/order_placed/v1", v1) == ()
    stepwise = UPCASTERS["OrderPlaced", 2](UPCASTERS["OrderPlaced", 1](v1))
    assert stepwise == straight_to_version_3(v1)


@pytest.mark.parametrize(("kind", "version"), UPCASTERS)
@given(data=st.data())
@GENERATED
def test_an_upcaster_takes_whatever_its_version_accepts(
    kind: str, version: int, data: st.DataObject
) -> None:
    old = data.draw(instances(event_schema("internal", kind, version)))
    before = json.dumps(old)
    new = UPCASTERS[kind, version](old)
    assert CONTRACTS.check(event_schema("internal", kind, version + 1), new) == ()
    assert json.dumps(old) == before, "an upcaster changes nothing in place"


@pytest.mark.parametrize(
    ("kind", "version"),
    STORED,
)
@given(data=st.data())
@GENERATED
def test_whatever_its_version_accepts_becomes_a_typed_event(
    kind: str, version: int, data: st.DataObject
) -> None:
    old = data.draw(instances(event_schema("internal", kind, version)))
    [event] = CODEC.decode(stored(kind, version, old))
    assert type(event) is EVENTS[kind]
    assert CODEC.decode(CODEC.encode([event])) == [event]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_event_is_written_in_the_version_that_is_configured(version: int) -> None:
    body = written_in(version).encode([PLACED])
    shown = language.example(event_schema("internal", "OrderPlaced", version), "full")
    assert json.loads(body) == [golden.entry("OrderPlaced", version, shown)]
    assert CODEC.decode(body) == [PLACED]


@given(instances("events/internal/order_placed/v1"), st.sampled_from([1, 2]))
@GENERATED
def test_what_an_older_version_said_it_can_say_again(v1: dict[str, Any], version: int) -> None:
    [event] = CODEC.decode(stored("OrderPlaced", 1, v1))
    assert CODEC.decode(written_in(version).encode([event])) == [event]


def in_dollars(placed: OrderPlaced) -> OrderPlaced:
    lines = tuple(
        msgspec.structs.replace(line, unit_price=Money(line.unit_price.amount, "USD"))
        for line in placed.lines
    )
    return msgspec.structs.replace(placed, lines=lines, total=Money(placed.total.amount, "USD"))


def with_postal_code(placed: OrderPlaced, code: str) -> OrderPlaced:
    assert placed.delivery is not None
    delivery = msgspec.structs.replace(placed.delivery, postal_code=code)
    return msgspec.structs.replace(placed, delivery=delivery)


@pytest.mark.parametrize(
    ("event", "version"),
    [
        (in_dollars(PLACED), 2),
        (in_dollars(PLACED), 1),
        (with_postal_code(PLACED, "1012 AB"), 1),
        (msgspec.structs.replace(PLACED, total=Money(4191, "EUR")), 1),
    ],
    ids=["dollars", "dollars", "a postal code in two parts", "a total that is no sum"],
)
def test_what_an_older_version_cannot_express_is_refused(event: OrderPlaced, version: int) -> None:
    assert CODEC.encode([event])
    with pytest.raises(InvalidEvent, match=r"cannot be expressed in version [12]"):
        written_in(version).encode([event])
