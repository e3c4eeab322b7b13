"""What earlier versions of this service stored, and what that means today, reckoned by hand."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from reference_service.cqrs.commit import Cause, Commit, following

# An entry of a commit's body of each version that was ever released, and what it says.
KEPT = Path(__file__).resolve().parents[2] / "tests/order/golden"
# What an order has been through before an event of this type.
BEFORE = {
    "OrderPlaced": (),
    "PaymentReceived": ("OrderPlaced",),
    "OrderConfirmed": ("OrderPlaced", "PaymentReceived"),
    "OrderShipped": ("OrderPlaced", "PaymentReceived", "OrderConfirmed"),
    "OrderCancelled": ("OrderPlaced",),
    "ReturnRequested": ("OrderPlaced", "OrderCancelled"),
}
OWNER = "customer-42"
WRITER = "a-former-deployment"
AT = "2026-01-05T09:00:00.000Z"
PIECES = ("coffee-beans-1kg", "paper-filter-100", "a.b_c-9", "Z")
WORDS = ("Ana", "Ruiz Ibáñez", "Østergård", "李", "d'Été", "van der Berg")


@dataclass(frozen=True)
class Kept:
    """One stored event: its entry as text, and the data that it is read as."""

    kind: str
    version: int
    stored: str
    read: Mapping[str, Any]


def kept() -> list[Kept]:
    """Of every version of every event that was ever released, the fullest that is kept."""
    found = []
    for file in sorted(KEPT.glob("*-full.json")):
        told = json.loads(file.read_text("utf-8"))
        entry = json.loads(told["stored"])
        found.append(Kept(entry["type"], entry["v"], told["stored"], told["read"]))
    return found


def stream(order_id: str, last: Kept) -> list[Commit]:
    """An order that ends with this event, each event in a commit of its own."""
    newest = {each.kind: each for each in kept()}  # of one kind the highest version comes last
    commits: list[Commit] = []
    for each in (*(newest[kind] for kind in BEFORE[last.kind]), last):
        number = len(commits) + 1
        cause = Cause(
            command_id=f"{order_id}-{number}",
            fingerprint="f",
            actor=WRITER,
            causation=f"request-{number}",
            correlation=order_id,
        )
        commits.append(
            following(
                commits[-1] if commits else None,
                stream=f"order-{order_id}",
                cause=cause,
                body=f"[{each.stored}]",
                count=1,
                at=AT,
                commit_id=f"{order_id}-{number}",
            )
        )
    return commits


def placed_in_version_1(random: Random, count: int) -> Iterator[dict[str, Any]]:
    """Data of OrderPlaced as version 1 had it: amounts as text, the address as it is printed."""
    for _ in range(count):
        lines = [
            {
                "sku": random.choice(PIECES),
                "quantity": random.choice((1, 2, random.randint(1, 9999), 3.0)),
                "unit_price": _text(random.choice((1, 10, 100, random.randint(1, 999_999_999)))),
            }
            for _ in range(random.choice((1, 2, 50)))
        ]
        yield {"customer_id": OWNER, "lines": lines, "delivery": _printed(random)}


def in_version_3(v1: Mapping[str, Any]) -> dict[str, Any]:
    """The same said by version 3: written in one go, with another arithmetic than the service's."""

    def cents(amount: Decimal) -> dict[str, Any]:
        return {"amount": int(amount * 100), "currency": "EUR"}

    total = sum(int(line["quantity"]) * Decimal(line["unit_price"]) for line in v1["lines"])
    delivery = v1["delivery"]
    if delivery is not None:
        street, rest = delivery["address"].split("\n")
        code = rest.split(" ")[0]
        delivery = {
            "recipient": delivery["recipient"],
            "street": street,
            "city": rest[len(code) + 1 :],
            "postal_code": code,
            "country": delivery["country"],
        }
    return {
        "customer_id": v1["customer_id"],
        "lines": [
            {
                "sku": line["sku"],
                "quantity": int(line["quantity"]),
                "unit_price": cents(Decimal(line["unit_price"])),
            }
            for line in v1["lines"]
        ],
        "total": cents(Decimal(total)),
        "delivery": delivery,
    }


def _text(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f}"


def _printed(random: Random) -> dict[str, Any] | None:
    if random.random() < 0.1:
        return None
    street = f"{random.choice(WORDS)} {random.randint(1, 999)}, 3.º B"
    code = random.choice(("28014", "SW1Y-4JH", "1" * 16))
    city = " ".join(random.choices(WORDS, k=random.randint(1, 3)))
    return {
        "recipient": random.choice(WORDS),
        "address": f"{street}\n{code} {city}",
        "country": random.choice(("ES", "DK", "CN")),
    }
