"""The life of an order as its customer lives it: what is done and when, fixed before the run."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

COMMANDS = Path(__file__).resolve().parent.parent / "contracts" / "commands"
MOST_PAYMENTS = 3
CHANGES_MIND = 0.10  # cancels instead of the last payment
CANCELS_TOO_LATE = 0.05  # cancels when everything is paid: the shipment may be faster
PAUSE_S = (0.2, 0.6)  # between two intentions of a customer


@dataclass(frozen=True)
class Place:
    body: dict[str, Any]


@dataclass(frozen=True)
class Pay:
    """`last`: it covers the total."""

    body: dict[str, Any]
    last: bool


@dataclass(frozen=True)
class Cancel:
    """`contested`: the order may be on its way already, then the refusal is the right answer."""

    body: dict[str, Any]
    contested: bool


@dataclass(frozen=True)
class ReadOwn:
    """Read the order at the version that the customer was told, or later."""


@dataclass(frozen=True)
class ListOwn:
    """List the customer's orders."""


Command: TypeAlias = Place | Pay | Cancel
Step: TypeAlias = Command | ReadOwn | ListOwn


@dataclass(frozen=True)
class Examples:
    """Bodies of every command, from the contracts' own examples of what is right."""

    place: tuple[dict[str, Any], ...]
    pay: tuple[dict[str, Any], ...]
    cancel: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Journey:
    """Steps with the moment of each, in seconds after the order's arrival."""

    customer_id: str
    steps: tuple[tuple[float, Step], ...]


def read_examples(folder: Path = COMMANDS) -> Examples:
    def bodies(command: str) -> tuple[dict[str, Any], ...]:
        examples = folder / command / "examples"
        paths = [examples / f"v1-{form}.json" for form in ("full", "minimal")]
        return tuple(json.loads(path.read_text()) for path in paths)

    return Examples(bodies("place_order"), bodies("receive_payment"), bodies("cancel_order"))


def plan(customer_id: str, examples: Examples, random: Random) -> Journey:
    """One order: placed, paid in parts, now and then cancelled, read and listed."""
    order = random.choice(examples.place)
    payments = _payments(order, random.choice(examples.pay), random)
    steps: list[Step] = [Place(order), ReadOwn()]
    fate = random.random()
    if fate < CHANGES_MIND:
        cancel = Cancel(random.choice(examples.cancel), contested=False)
        steps += [*payments[:-1], cancel, ReadOwn()]
    elif fate < CHANGES_MIND + CANCELS_TOO_LATE:
        cancel = Cancel(random.choice(examples.cancel), contested=True)
        steps += [*payments, cancel, ReadOwn()]
    else:
        steps += [*payments, ReadOwn()]
    steps.append(ListOwn())
    moments = [0.0]
    for _ in steps[1:]:
        moments.append(moments[-1] + random.uniform(*PAUSE_S))
    return Journey(customer_id, tuple(zip(moments, steps, strict=True)))


def _payments(order: dict[str, Any], example: dict[str, Any], random: Random) -> list[Pay]:
    """The total in one to three parts, each at least one minor unit."""
    total = sum(line["quantity"] * line["unit_price"]["amount"] for line in order["lines"])
    currency = order["lines"][0]["unit_price"]["currency"]
    count = min(random.randint(1, MOST_PAYMENTS), total)
    cuts = [0, *sorted(random.sample(range(1, total), count - 1)), total]
    return [
        Pay(
            {
                **example,
                "payment_id": f"{example['payment_id'][:60]}-{number}",
                "amount": {"amount": cuts[number] - cuts[number - 1], "currency": currency},
            },
            last=number == count,
        )
        for number in range(1, count + 1)
    ]
