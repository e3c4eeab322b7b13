"""A refusal comes with the very event that one side writes and the other refuses."""

import copy
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bitacora.contracts.compatibility import Comparison, Mode, compare, sides
from bitacora.contracts.documents import Document
from bitacora.contracts.reading import Reading
from tests.contracts.language import SCHEMAS, example

PLACED = "events/internal/order_placed/v3"
EXAMPLES = (example(PLACED, "full"), example(PLACED, "minimal"))


def document(schema: Any, name: str = "schema") -> Document:
    by_id = {each["$id"]: each for each in SCHEMAS.values()}
    return Document.of(schema, name, by_id.get)


def changed(change: Any) -> dict[str, Any]:
    """OrderPlaced after `change` was made to it."""
    schema = copy.deepcopy(SCHEMAS[PLACED])
    change(schema)
    return schema


def against_placed(change: Any, mode: Mode = Mode.BACKWARD) -> Comparison:
    old, new = document(SCHEMAS[PLACED], "old"), document(changed(change), "new")
    return compare(old, new, mode, candidates=EXAMPLES)


def require_a_note(schema: dict[str, Any]) -> None:
    gain_a_note(schema)
    schema["required"].append("note")


def gain_a_note(schema: dict[str, Any]) -> None:
    schema["properties"]["note"] = {"type": "string", "maxLength": 80}


def take_single_pieces_only(schema: dict[str, Any]) -> None:
    schema["properties"]["lines"]["items"]["properties"]["quantity"]["maximum"] = 500


def test_a_field_that_becomes_required_breaks_on_an_event_without_it() -> None:
    [broken] = against_placed(require_a_note).counterexamples
    assert broken.instance == EXAMPLES[0]
    assert (broken.direction, broken.writer, broken.reader) == ("backward", "old", "new")
    [reason] = broken.reasons
    assert (reason.pointer, reason.keyword) == ("", "required")
    assert "note" in reason.detail


def test_a_field_that_is_gained_breaks_nobody() -> None:
    assert against_placed(gain_a_note, Mode.FULL).verdict == "compatible"


def test_the_counterexample_is_an_event_as_they_are_and_one_thing_about_it() -> None:
    [broken] = against_placed(take_single_pieces_only).counterexamples
    assert broken.instance["lines"][0].pop("quantity") > 500
    expected = copy.deepcopy(EXAMPLES[0])
    del expected["lines"][0]["quantity"]
    assert broken.instance == expected
    assert [reason.pointer for reason in broken.reasons] == ["/lines/0/quantity"]


def test_both_readings_confirm_a_counterexample() -> None:
    old, new = document(SCHEMAS[PLACED]), document(changed(take_single_pieces_only))
    [broken] = compare(old, new, Mode.BACKWARD).counterexamples
    written, read = sides(old, new, Reading.CONTRACT)
    assert Draft202012Validator(written).is_valid(broken.instance)
    assert not Draft202012Validator(read).is_valid(broken.instance)


def test_each_direction_of_full_is_told() -> None:
    old, new = document({"enum": ["a", "b"]}), document({"enum": ["b", "c"]})
    shown = compare(old, new, Mode.FULL).counterexamples
    assert {each.direction: each.instance for each in shown} == {"backward": "a", "forward": "c"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"pattern": "^(?!0)[0-9]+$", "type": "string"}, {"pattern": "^[1-9][0-9]*$"}),
        ({"contains": {"const": 1}, "unevaluatedItems": False}, {"maxItems": 10_000}),
    ],
)
def test_what_cannot_be_decided_is_undecided_never_safe(old: Any, new: Any) -> None:
    comparison = compare(document(old), document(new), Mode.BACKWARD)
    assert comparison.verdict == "undecided"
    assert comparison.doubts[0].reason


def test_a_search_without_end_is_given_up() -> None:
    branch = {"anyOf": [{"minimum": 1}, {"multipleOf": 3}, {"maximum": -7}, {"type": "string"}]}
    huge = {"allOf": [{"oneOf": [branch, {"not": branch}, {"const": at}]} for at in range(40)]}
    assert compare(document(huge), document(huge | {"not": {}}), Mode.BACKWARD).verdict in (
        "incompatible",
        "undecided",
    )


@pytest.mark.parametrize("deep", [10, 40, 70])
def test_deep_schemas_end_in_a_verdict(deep: int) -> None:
    def nested(leaf: dict[str, Any]) -> Any:
        schema: Any = leaf
        for _ in range(deep):
            schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
        return schema

    old, new = document(nested({"type": "integer"})), document(nested({"type": "number"}))
    assert compare(old, new, Mode.BACKWARD).verdict in ("compatible", "undecided")
    assert compare(old, new, Mode.FORWARD).verdict in ("incompatible", "undecided")
