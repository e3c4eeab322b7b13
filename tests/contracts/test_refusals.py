"""What breaks a contract is refused, each fault with a pointer to its place."""

import copy
from typing import Any

import pytest

from reference_service.schemas import (
    Fault,
    Schemas,
    Undecodable,
    UnknownSchema,
    event_schema,
    received,
    urn,
)
from tests.contracts.language import MESSAGES, SCHEMAS, example, newest, next_version

CONTRACTS = Schemas.load()
PLACED = "events/internal/order_placed/v3"
ENVELOPE = "envelope/v1"
DISPATCHED = "events/public/shipment_dispatched/v1"
CONFIRMED = "events/public/order_confirmed"
ABSENT = object()


def changed(name: str, pointer: str, value: Any) -> Any:
    """The full example with another value (or ABSENT) at the pointer."""
    instance = copy.deepcopy(example(name, "full"))
    *path, last = (int(step) if step.isdigit() else step for step in pointer.split("/")[1:])
    place = instance
    for step in path:
        place = place[step]
    if value is ABSENT:
        del place[last]
    else:
        place[last] = value
    return instance


@pytest.mark.parametrize(
    ("name", "pointer", "value"),
    [
        (PLACED, "/customer_id", ""),
        (PLACED, "/customer_id", "-leads"),
        (PLACED, "/customer_id", "customer 42"),
        (PLACED, "/customer_id", "customer-42\n"),
        (PLACED, "/customer_id", "ñ"),
        (PLACED, "/customer_id", "c" * 65),
        (PLACED, "/customer_id", 42),
        (PLACED, "/customer_id", None),
        (PLACED, "/lines", []),
        (PLACED, "/lines", [{"sku": "A", "quantity": 1}] * 51),
        (PLACED, "/lines/0/quantity", 0),
        (PLACED, "/lines/0/quantity", 10_000),
        (PLACED, "/lines/0/quantity", 1.5),
        (PLACED, "/lines/0/quantity", "1"),
        (PLACED, "/lines/0/quantity", True),
        (PLACED, "/lines/1/unit_price/amount", 0),
        (PLACED, "/lines/1/unit_price/amount", 1_000_000_000),
        (PLACED, "/lines/1/unit_price/currency", "eur"),
        (PLACED, "/lines/1/unit_price/currency", "EURO"),
        (PLACED, "/lines/1/unit_price/currency", "EUR\n"),
        (PLACED, "/total/amount", -1),
        (PLACED, "/total/amount", 2**53),
        (PLACED, "/total/amount", 10**30),
        (PLACED, "/total/amount", float("nan")),
        (PLACED, "/total", ABSENT),
        (PLACED, "/total/vat", 21),
        (PLACED, "/delivery", ABSENT),
        (PLACED, "/delivery", "Madrid"),
        (PLACED, "/delivery/recipient", ""),
        (PLACED, "/delivery/recipient", " "),
        (PLACED, "/delivery/recipient", "x" * 101),
        (PLACED, "/delivery/street", "Calle\u0000Mayor"),
        (PLACED, "/delivery/street", "Calle Mayor\n"),
        (PLACED, "/delivery/country", "Spain"),
        (PLACED, "/delivery/phone", "600"),
        ("commands/place_order/v1", "/delivery", None),
        ("commands/place_order/v1", "/customer_id", "bob"),
        ("commands/cancel_order/v1", "/reason", "because"),
        (DISPATCHED, "/order_id", "5f0c6d1e2b7a8c439d580a1b2c3d4e5f"),
        (DISPATCHED, "/order_id", "5F0C6D1E-2B7A-8C43-9D58-0A1B2C3D4E5F"),
        (DISPATCHED, "/dispatched_at", "2026-01-05T09:30:00"),
        (DISPATCHED, "/dispatched_at", "2026-01-05T09:30:00+01:00"),
        (DISPATCHED, "/dispatched_at", "2026-02-30T09:30:00Z"),
        (DISPATCHED, "/dispatched_at", 1767605400),
        (ENVELOPE, "/specversion", "0.3"),
        (ENVELOPE, "/id", "shipment-5f0c6d1e-2b7a-8c43-9d58-0a1b2c3d4e5f/0/0"),
        (ENVELOPE, "/type", "order lost"),
        (ENVELOPE, "/source", "Bitacora"),
        (ENVELOPE, "/oldestreader", 0),
        (ENVELOPE, "/oldestreader", None),
        (ENVELOPE, "/data", []),
        (ENVELOPE, "/traceparent", ""),
        (ENVELOPE, "/dataschema", "urn:bitacora:event:internal:order_placed:v1"),
    ],
)
def test_one_wrong_value_is_pointed_at(name: str, pointer: str, value: Any) -> None:
    faults = CONTRACTS.check(name, changed(name, pointer, value))
    assert faults
    assert all(fault.pointer.startswith(pointer) for fault in faults), faults
    assert any(fault.pointer == pointer for fault in faults) or isinstance(value, list), faults


@pytest.mark.parametrize("name", MESSAGES)
def test_no_field_can_be_missing_nor_added(name: str) -> None:
    for field in SCHEMAS[name]["required"]:
        instance = changed(name, f"/{field}", ABSENT)
        assert CONTRACTS.check(name, instance) == (Fault(f"/{field}", "is required"),)
    added = example(name, "full") | {"a/b~c": 1}
    assert CONTRACTS.check(name, added) == (Fault("/a~1b~0c", "is not a known property"),)


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("value", [None, [], "{}", 1])
def test_what_is_no_object_is_refused_as_a_whole(name: str, value: Any) -> None:
    assert CONTRACTS.check(name, value) == (Fault("", "must be an object"),)


def test_all_faults_are_told_at_once_in_words() -> None:
    body = {"lines": [{"sku": "A", "quantity": 0}, {"sku": "", "quantity": 1, "unit_price": 5}]}
    assert CONTRACTS.check("commands/place_order/v1", body) == (
        Fault("/delivery", "is required"),
        Fault("/lines/0/quantity", "must be at least 1"),
        Fault("/lines/0/unit_price", "is required"),
        Fault("/lines/1/sku", "must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        Fault("/lines/1/unit_price", "must be an object"),
    )


def test_a_lone_surrogate_is_refused() -> None:
    instance = changed(PLACED, "/delivery/city", "\ud800")
    assert CONTRACTS.check(PLACED, instance) == (
        Fault("", "holds a character that is not valid Unicode"),
    )


@pytest.mark.parametrize("name", [next_version(CONFIRMED), "../order/v1", "", "v1"])
def test_an_unknown_schema_is_an_error_not_a_pass(name: str) -> None:
    with pytest.raises(UnknownSchema):
        CONTRACTS.check(name, {})


def test_a_public_event_is_faulted_down_to_its_data() -> None:
    event = changed(ENVELOPE, "/data/order_id", 42)
    assert CONTRACTS.check_public(event) == (Fault("/data/order_id", "must be a string"),)


@pytest.mark.parametrize(
    ("pointer", "value", "detail"),
    [
        ("/dataschema", urn(event_schema("public", "OrderPlaced")), "as the type says"),
        ("/dataschema", urn(next_version(CONFIRMED)), f"here {newest(CONFIRMED)} is the newest"),
        ("/type", "OrderLost", "as the type says"),
    ],
)
def test_a_public_event_must_name_the_schema_of_its_type(
    pointer: str, value: str, detail: str
) -> None:
    [fault] = CONTRACTS.check_public(changed(ENVELOPE, pointer, value))
    assert fault.pointer == "/dataschema"
    assert detail in fault.detail


def test_a_public_event_of_a_type_that_is_not_known_here_is_refused() -> None:
    lost = changed(ENVELOPE, "/type", "OrderLost")
    lost["dataschema"] = urn(event_schema("public", "OrderLost"))
    [fault] = CONTRACTS.check_public(lost)
    assert fault == Fault("/type", "is not a public event that is known here")


@pytest.mark.parametrize("body", ["", "no json", "{}", "[" * 100_000, '"\\ud800"', b"\xff"])
def test_a_message_that_is_no_public_event_is_undecodable(body: str | bytes) -> None:
    with pytest.raises(Undecodable):
        received(CONTRACTS, body)
