"""A reader reads on when an event gained fields, and never guesses when it may not."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from reference_service.schemas import Fault, Schemas, Undecodable, opened, received, urn
from tests.contracts.language import NEWEST, example, newest, next_version
from tests.contracts.tomorrow import GAINED, tomorrow

TODAY = Schemas.load()
CANCELLED = "events/public/order_cancelled"
KNOWN = newest(CANCELLED)
TOO_NEW = f"has version {KNOWN + 1}; here {KNOWN} is the newest"


@pytest.fixture
def newer() -> dict[str, Any]:
    """An OrderCancelled of tomorrow, with a field that today does not know."""
    event: dict[str, Any] = example("envelope/v1", "minimal")
    return event | {
        "type": "OrderCancelled",
        "dataschema": urn(next_version(CANCELLED)),
        "oldestreader": 1,
        "data": example(NEWEST[CANCELLED], "full") | {GAINED: "too big"},
    }


def test_a_consumer_of_today_reads_an_event_of_tomorrow(newer: dict[str, Any]) -> None:
    assert received(TODAY, json.dumps(newer)) == newer


def test_tomorrow_holds_it_to_its_own_contract(newer: dict[str, Any], tmp_path: Path) -> None:
    known = tomorrow(tmp_path / "contracts", CANCELLED)
    assert received(known, json.dumps(newer)) == newer
    newer["data"][GAINED] = True
    assert received(TODAY, json.dumps(newer))
    with pytest.raises(Undecodable, match=f"/data/{GAINED} must be a string"):
        received(known, json.dumps(newer))


@pytest.mark.parametrize("oldest_reader", [None, KNOWN + 1, KNOWN + 2])
def test_an_event_that_needs_a_newer_reader_is_refused_with_that_reason(
    newer: dict[str, Any], oldest_reader: int | None
) -> None:
    del newer["oldestreader"]
    newer |= {"oldestreader": oldest_reader} if oldest_reader else {}
    with pytest.raises(Undecodable, match=f"/dataschema {TOO_NEW}"):
        received(TODAY, json.dumps(newer))


def test_what_is_known_still_holds(newer: dict[str, Any]) -> None:
    newer["data"]["reason"] = "because"
    with pytest.raises(Undecodable, match="/data/reason must be one of"):
        received(TODAY, json.dumps(newer))


def test_the_envelope_may_gain_attributes_too(newer: dict[str, Any]) -> None:
    assert received(TODAY, json.dumps(newer | {"partitionkey": "eu"}))


def test_a_writer_never_writes_what_is_not_known_here(newer: dict[str, Any]) -> None:
    [fault] = TODAY.check_public(newer)
    assert fault == Fault("/dataschema", TOO_NEW)
    known = newer | {"dataschema": urn(NEWEST[CANCELLED])}
    assert TODAY.check_public(known) == (Fault(f"/data/{GAINED}", "is not a known property"),)
    assert TODAY.check_public(example("envelope/v1", "full") | {"partitionkey": "eu"}) == (
        Fault("/partitionkey", "is not a known property"),
    )


def test_open_is_what_asserts_and_nothing_else() -> None:
    closed = {"type": "object", "additionalProperties": False}
    schema = {
        "$defs": {"a": closed},
        "properties": {"b": closed, "additionalProperties": closed},
        "items": {"unevaluatedProperties": False},
        "prefixItems": [closed],
        "allOf": [closed, {"anyOf": [closed], "oneOf": [closed]}],
        "then": closed,
        "dependentSchemas": {"c": closed},
        "additionalProperties": {"additionalProperties": False, "maxProperties": 1},
    }
    as_it_is = {"not": closed, "if": closed, "enum": [closed], "const": closed, "default": closed}
    before = copy.deepcopy(schema | as_it_is)
    object_ = {"type": "object"}
    assert opened(schema | as_it_is) == {
        "$defs": {"a": object_},
        "properties": {"b": object_, "additionalProperties": object_},
        "items": {},
        "prefixItems": [object_],
        "allOf": [object_, {"anyOf": [object_], "oneOf": [object_]}],
        "then": object_,
        "dependentSchemas": {"c": object_},
        "additionalProperties": {"maxProperties": 1},
        **as_it_is,
    }
    assert schema | as_it_is == before
    assert opened(False) is False


def test_what_an_older_version_does_not_know_is_left_out_at_any_depth() -> None:
    name = "events/public/order_confirmed/v1"
    newer = example("events/public/order_confirmed/v2", "full")
    newer["lines"][1]["gift"] = {"wrapped": True}
    assert TODAY.pruned(name, newer) == example(name, "full")
    assert newer["lines"][1]["gift"]
