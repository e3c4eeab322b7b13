"""How quickly a stored event becomes a typed one, validated: python -m benches.contracts [--json]

A commit's body with one OrderPlaced of about 1 KB, decoded by the codec of the functions, beside a
bare orjson.loads of the same text and the ordinary json + jsonschema. Each round measures all of
them for a moment, without the garbage collector; a ratio is the median over the rounds, so that
what slows the machine down for a while slows both sides of it. The parts are what the decoding is
made of, each measured by itself.

Exit code 1 when a ratio is below what is wanted.
"""

import json
import sys
import timeit
from collections.abc import Callable
from statistics import median
from typing import Any

import jsonschema
import msgspec
import orjson
from referencing import Registry
from rich.console import Console
from rich.table import Table

from reference_service.order.codec import OrderCodec
from reference_service.order.events import VERSIONS, OrderPlaced
from reference_service.schemas import CONTRACTS, Schemas, event_schema

ROUNDS = 200
CALLS = 200
SLOW_CALLS = 2  # of what takes a millisecond each
OURS = "validated decode"
# At least this share of orjson's speed, and this many times that of json + jsonschema.
WANTED = {"orjson.loads": 0.4, "json + jsonschema": 40.0}

NAME = event_schema("internal", "OrderPlaced", VERSIONS["OrderPlaced"])
ARTICLES = (
    ("coffee-beans-huehuetenango-1kg", 2, 1850),
    ("paper-filter-size-4", 1, 490),
    ("gooseneck-kettle-900ml", 1, 6490),
    ("hand-grinder-steel", 1, 11900),
    ("espresso-cup-6", 2, 2490),
    ("milk-jug-350ml", 1, 1890),
    ("cleaning-tablets-60", 3, 990),
    ("tamper-58mm", 1, 3490),
)


def order() -> dict[str, Any]:
    """The data of an OrderPlaced with eight lines."""
    lines = [
        {"sku": sku, "quantity": quantity, "unit_price": {"amount": amount, "currency": "EUR"}}
        for sku, quantity, amount in ARTICLES
    ]
    total = sum(quantity * amount for _, quantity, amount in ARTICLES)
    return {
        "customer_id": "9b2f6c1e-4d3a-4f5b-8c7d-6e5f4a3b2c1d",
        "lines": lines,
        "total": {"amount": total, "currency": "EUR"},
        "delivery": {
            "recipient": "Ana Ruiz Ibáñez",
            "street": "Calle de Alcalá 42, 3.º B",
            "city": "Madrid",
            "postal_code": "28014",
            "country": "ES",
        },
    }


def reference_validator() -> Any:
    """jsonschema's validator of the same schema, formats checked."""
    types = [json.loads(path.read_bytes()) for path in CONTRACTS.glob("types/*/v*.json")]
    registry: Registry[Any] = Registry().with_contents((each["$id"], each) for each in types)
    schema = json.loads((CONTRACTS / f"{NAME}.json").read_bytes())
    return jsonschema.Draft202012Validator(
        schema, registry=registry, format_checker=jsonschema.FormatChecker()
    )


def ways() -> tuple[str, dict[str, tuple[Callable[[], object], int]]]:
    """The body, and by name what is called and how often in each round."""
    entry = {"type": "OrderPlaced", "v": VERSIONS["OrderPlaced"], "data": order()}
    body = json.dumps([entry], ensure_ascii=False, separators=(",", ":"))
    schemas, reference = Schemas.load(), reference_validator()
    codec, decoder, accepts = OrderCodec(schemas), msgspec.json.Decoder(), schemas.question(NAME)
    data = decoder.decode(body)[0]["data"]
    assert accepts(data)
    assert reference.is_valid(data)
    assert codec.decode(body) == [msgspec.convert(data, OrderPlaced)]

    def with_jsonschema() -> None:
        reference.validate(json.loads(body)[0]["data"])

    return body, {
        OURS: (lambda: codec.decode(body), CALLS),
        "orjson.loads": (lambda: orjson.loads(body), CALLS),
        "json + jsonschema": (with_jsonschema, SLOW_CALLS),
        "part: JSON to dictionaries": (lambda: decoder.decode(body), CALLS),
        "part: validation": (lambda: accepts(data), CALLS),
        "part: dictionaries to types": (lambda: msgspec.convert(data, OrderPlaced), CALLS),
    }


def measured() -> dict[str, Any]:
    """The size of the body, microseconds of a call and ratios to ours of each way: medians."""
    body, called = ways()
    rounds_us: dict[str, list[float]] = {name: [] for name in called}
    for _ in range(ROUNDS):
        for name, (way, calls) in called.items():
            rounds_us[name].append(timeit.timeit(way, number=calls) / calls * 1e6)
    ratios = {
        name: median(theirs / ours for theirs, ours in zip(taken, rounds_us[OURS], strict=True))
        for name, taken in rounds_us.items()
    }
    return {
        "body_bytes": len(body.encode()),
        "took_us": {name: median(taken) for name, taken in rounds_us.items()},
        "ratios": ratios,
        "wanted": WANTED,
        "reached": {name: ratios[name] >= wanted for name, wanted in WANTED.items()},
    }


def show(found: dict[str, Any]) -> None:
    table = Table(title=f"An OrderPlaced in a body of {found['body_bytes']} bytes")
    for heading in ("", "µs", "times ours", "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, taken_us in found["took_us"].items():
        wanted = f">= {WANTED[name]:g}" if name in WANTED else ""
        table.add_row(name, f"{taken_us:.2f}", f"{found['ratios'][name]:.2f}", wanted)
    Console().print(table)


def main(arguments: list[str]) -> int:
    found = measured()
    if "--json" in arguments:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if all(found["reached"].values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
