"""A change of a schema in words that a person would use."""

from typing import Any

import pytest

from bitacora.contracts.changes import changes
from bitacora.contracts.documents import Document
from bitacora.contracts.folder import Folder, Version
from reference_service.schemas import CONTRACTS
from tests.contracts.planted import PLACED, PUBLIC

REASON = {"type": "string", "enum": ["late", "other"]}
TEXT = {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]*$"}


def event(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def told(old: Any, new: Any) -> list[tuple[str, str]]:
    """Pointer and kind of each change."""
    found = changes(Document.of(old), Document.of(new))
    assert all(change.sentence for change in found)
    return [(change.pointer, change.kind) for change in found]


def sentence(old: Any, new: Any) -> str:
    (change,) = changes(Document.of(old), Document.of(new))
    return change.sentence


@pytest.mark.parametrize(
    ("old", "new", "pointer", "kind", "said"),
    [
        (event({}), event({"a": TEXT}), "/a", "field-added-optional", "added; it is optional"),
        (event({}), event({"a": TEXT}, "a"), "/a", "field-added-required", "added; it is required"),
        (event({"a": TEXT}, "a"), event({}), "/a", "field-removed", "removed; it was required"),
        (event({"a": TEXT}), event({"a": TEXT}, "a"), "/a", "made-required", "now required"),
        (event({"a": TEXT}, "a"), event({"a": TEXT}), "/a", "made-optional", "now optional"),
        (
            event({"a": TEXT}),
            event({"a": {"type": "integer"}}),
            "/a",
            "type-changed",
            "from string to integer",
        ),
        (
            event({"a": TEXT}),
            event({"a": event({"x": TEXT, "y": TEXT})}),
            "/a",
            "type-changed",
            "from string to object of x, y",
        ),
        ({"type": "integer"}, {"type": "number"}, "", "type-changed", "from integer to number"),
        ({"type": "string"}, {"type": ["string", "null"]}, "", "null-allowed", "may be null"),
        ({"type": ["string", "null"]}, {"type": "string"}, "", "null-refused", "no longer"),
        ({"type": "integer"}, {}, "", "type-changed", "from integer to any"),
        (TEXT, {**TEXT, "maxLength": 9}, "", "limit-tightened", "lowered from 20 to 9 (tightened)"),
        (TEXT, {**TEXT, "maxLength": 90}, "", "limit-loosened", "raised from 20 to 90 (loosened)"),
        (TEXT, {**TEXT, "minLength": 2}, "", "limit-tightened", "raised from 1 to 2 (tightened)"),
        (TEXT, {**TEXT, "minLength": 0}, "", "limit-loosened", "lowered from 1 to 0 (loosened)"),
        ({}, {"minimum": 1}, "", "limit-tightened", "a least value was added: 1"),
        ({"maxItems": 3}, {}, "", "limit-loosened", "3 was removed"),
        (
            REASON,
            {**REASON, "enum": ["late", "other", "bored"]},
            "",
            "value-added",
            'added: "bored"',
        ),
        (REASON, {**REASON, "enum": ["late"]}, "", "value-removed", 'removed: "other"'),
        ({"const": 1}, {"enum": [1, True]}, "", "value-added", "added: true"),
        (REASON, {"type": "string"}, "", "values-opened", '["late", "other"]'),
        ({"type": "string"}, REASON, "", "values-listed", '["late", "other"]'),
        (TEXT, {**TEXT, "pattern": "^x$"}, "", "pattern-changed", "from ^[a-z]*$ to ^x$"),
        ({}, {"format": "uuid"}, "", "format-changed", "a format was added: uuid"),
        ({"format": "uuid"}, {}, "", "format-changed", "uuid was removed"),
        (event({}), event({}, additionalProperties=True), "", "opened", "opened"),
        ({"properties": {}}, event({}) | {"type": "object"}, "", "closed", "closed"),
        ({"items": TEXT}, {"items": {**TEXT, "maxLength": 2}}, "/*", "limit-tightened", "to 2"),
        ({"prefixItems": [TEXT]}, {"prefixItems": [TEXT, TEXT]}, "/1", "item-added", "own"),
        (event({}), event({}, description="So."), "", "words-changed", "description"),
        (
            event({"a": {}}),
            event({"a": {"x-personal": True}}),
            "/a",
            "personal-changed",
            "personal",
        ),
        (
            {},
            {"dependentRequired": {"a": ["b"]}},
            "",
            "rule-changed",
            'dependentRequired was added: {"a": ["b"]}',
        ),
        ({"not": TEXT}, {"not": REASON}, "", "rule-changed", "not changed from"),
        (True, False, "", "rule-changed", "accepted true, accepts false"),
    ],
)
def test_a_change_is_told_at_its_place(
    old: Any, new: Any, pointer: str, kind: str, said: str
) -> None:
    found = [each for each in changes(Document.of(old), Document.of(new)) if each.kind == kind]
    assert [(each.pointer, each.kind) for each in found] == [(pointer, kind)]
    assert said in found[0].sentence


def test_what_says_the_same_has_not_changed() -> None:
    plain = event({"a": TEXT, "b": TEXT}, "a", "b")
    moved = {
        "$defs": {"text": TEXT},
        **event({"b": {"$ref": "#/$defs/text"}, "a": {"$ref": "#/$defs/text"}}, "b", "a"),
    }
    assert told(plain, moved) == []
    assert told(moved, plain) == []
    assert told({"enum": [1, 2]}, {"enum": [2, 1]}) == []
    assert told({"type": "string"}, {"type": ["string"]}) == []
    assert told({"allOf": [TEXT, {"maxLength": 9}]}, {**TEXT, "maxLength": 9}) == []


def test_what_narrows_a_reference_is_part_of_what_is_said() -> None:
    money = {"$defs": {"money": event({"amount": {"type": "integer", "maximum": 100}})}}
    plain = {**money, **event({"a": {"$ref": "#/$defs/money"}})}
    narrow = {"$ref": "#/$defs/money", "properties": {"amount": {"maximum": 10}}}
    narrowed = {**money, **event({"a": narrow})}
    assert told(plain, narrowed) == [("/a/amount", "limit-tightened")]


def test_alternatives_are_known_by_their_tags() -> None:
    card, cash = (event({"kind": {"const": kind}}, "kind") for kind in ("card", "cash"))
    longer = event({"kind": {"const": "cash"}, "coins": {"type": "integer"}}, "kind")
    assert told({"oneOf": [card]}, {"oneOf": [cash, card]}) == [("", "alternative-added")]
    assert 'kind "cash"' in sentence({"oneOf": [card, cash]}, {"oneOf": [card]})
    found = told({"oneOf": [card, cash]}, {"oneOf": [longer, card]})
    assert found == [("/coins", "field-added-optional")]


def test_a_schema_that_contains_itself_is_told_once() -> None:
    def tree(**more: Any) -> dict[str, Any]:
        children = {"type": "array", "items": {"$ref": "#"}}
        return event({"name": {**TEXT, **more}, "children": children})

    assert told(tree(), tree(maxLength=3)) == [("/name", "limit-tightened")]


def test_a_knot_of_references_ends_too() -> None:
    def knot(most: int) -> dict[str, Any]:
        inner = {"$ref": "#/$defs/n", "properties": {"n": {"maximum": most}}}
        return {"$defs": {"n": event({"n": inner})}, "$ref": "#/$defs/n"}

    assert told(knot(1), knot(2))


def test_a_step_of_our_own_reads_like_this() -> None:
    folder = Folder.read(CONTRACTS)
    split = changes(folder.document(Version(PLACED, 1)), folder.document(Version(PLACED, 2)))
    assert {(change.pointer, change.kind) for change in split} == {
        ("", "upcast"),
        ("/total", "field-added-required"),
        ("/delivery/address", "field-removed"),
        ("/delivery/street", "field-added-required"),
        ("/delivery/postal_code", "field-added-required"),
        ("/delivery/city", "field-added-required"),
    }
    gained = changes(folder.document(Version(PUBLIC, 1)), folder.document(Version(PUBLIC, 2)))
    assert [(each.pointer, each.kind) for each in gained] == [("/total", "field-added-optional")]
