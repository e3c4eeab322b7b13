"""Older versions of an order's events, as JSON: up to the newest version and down again, by steps.

A step is a pure function of the event's data. Upcasters stand where a schema says `x-upcast`: they
take everything that their version's schema accepts to what the next one accepts. A downcaster says
the same in the version before; what that one cannot say comes back from its upcaster changed, by
which the codec knows.
"""

from __future__ import annotations

from reference_service.event_codec import Data, Steps


def placed_with_total_and_split_address(v1: Data) -> Data:
    """OrderPlaced 1 → 2: the total is counted, the printed address is taken apart."""
    total = sum(_cents(line["unit_price"]) * int(line["quantity"]) for line in v1["lines"])
    return {
        "customer_id": v1["customer_id"],
        "lines": v1["lines"],
        "total": _decimal(total),
        "delivery": v1["delivery"] and _with_split_address(v1["delivery"]),
    }


def placed_in_minor_units(v2: Data) -> Data:
    """OrderPlaced 2 → 3: decimal euros become integers of cents with their currency."""
    return v2 | {
        "lines": [line | {"unit_price": _euros(line["unit_price"])} for line in v2["lines"]],
        "total": _euros(v2["total"]),
    }


def placed_in_decimal_euros(v3: Data) -> Data:
    """OrderPlaced 3 → 2: whatever the currency, the amounts are written as if in euros."""
    return v3 | {
        "lines": [
            line | {"unit_price": _decimal(line["unit_price"]["amount"])} for line in v3["lines"]
        ],
        "total": _decimal(v3["total"]["amount"]),
    }


def placed_with_printed_address(v2: Data) -> Data:
    """OrderPlaced 2 → 1: no total, and the address as it is printed."""
    return {
        "customer_id": v2["customer_id"],
        "lines": v2["lines"],
        "delivery": v2["delivery"] and _with_printed_address(v2["delivery"]),
    }


# By event type and the version that is read.
UPCASTERS: Steps = {
    ("OrderPlaced", 1): placed_with_total_and_split_address,
    ("OrderPlaced", 2): placed_in_minor_units,
}
DOWNCASTERS: Steps = {
    ("OrderPlaced", 3): placed_in_decimal_euros,
    ("OrderPlaced", 2): placed_with_printed_address,
}


def _with_split_address(delivery: Data | str) -> Data | str:
    """A sealed address stays as it is: what was sealed is its newest form."""
    if isinstance(delivery, str):
        return delivery
    street, _, below = delivery["address"].partition("\n")
    postal_code, _, city = below.partition(" ")
    return {
        "recipient": delivery["recipient"],
        "street": street,
        "city": city,
        "postal_code": postal_code,
        "country": delivery["country"],
    }


def _with_printed_address(delivery: Data | str) -> Data | str:
    if isinstance(delivery, str):
        return delivery
    return {
        "recipient": delivery["recipient"],
        "address": f"{delivery['street']}\n{delivery['postal_code']} {delivery['city']}",
        "country": delivery["country"],
    }


def _euros(decimal: str) -> Data:
    return {"amount": _cents(decimal), "currency": "EUR"}


def _cents(decimal: str) -> int:
    """ "18.50" → 1850; always two decimals."""
    return int(decimal.replace(".", ""))


def _decimal(cents: int) -> str:
    """1850 → "18.50"."""
    euros, rest = divmod(cents, 100)
    return f"{euros}.{rest:02d}"
