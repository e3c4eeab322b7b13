"""A change of a schema in words: what became of each field. It judges nothing.

What only moved to a `$ref` has not changed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bitacora.contracts.documents import Document
from bitacora.contracts.keywords import Schema, at, pointer_of


class Change(NamedTuple):
    """`pointer` leads into an event, `*` being any item: /lines/*/sku. `kind` is for programs."""

    pointer: str
    kind: str
    sentence: str


# Keyword -> which direction allows less, and what it limits.
_LEAST = {
    "minimum": "least value",
    "exclusiveMinimum": "value that it must exceed",
    "minLength": "least length",
    "minItems": "least number of items",
    "minProperties": "least number of properties",
    "minContains": "least number of fitting items",
}
_MOST = {
    "maximum": "greatest value",
    "exclusiveMaximum": "value that it must stay below",
    "maxLength": "greatest length",
    "maxItems": "greatest number of items",
    "maxProperties": "greatest number of properties",
    "maxContains": "greatest number of fitting items",
}
_WORDS = frozenset(("title", "description", "examples", "$comment", "deprecated"))
_TOLD_APART = frozenset(
    (
        *("type", "enum", "const", "properties", "required", "additionalProperties"),
        *("pattern", "format", "items", "prefixItems", "oneOf", "x-personal", "default"),
        *_LEAST,
        *_MOST,
        *_WORDS,
        *("$id", "$schema", "$defs", "definitions", "x-upcast"),
    )
)
_LONGEST = 60


def changes(old: Document, new: Document) -> list[Change]:
    """Every change from one version to the other, by place; [] when they say the same."""
    try:
        found = list(_Differences(old.schema, new.schema).of(old.schema, new.schema, ""))
    except RecursionError:
        found = [Change("", "rule-changed", "changed in schemas that contain themselves too often")]
    return sorted(found, key=lambda change: change.pointer)


class _Differences:
    def __init__(self, old_root: Schema, new_root: Schema) -> None:
        self._old_root, self._new_root = old_root, new_root
        # Pairs of schemas that are being compared further up: a recursive schema ends there.
        self._open: set[tuple[int, int]] = set()

    def of(self, old: Schema, new: Schema, place: str) -> Iterator[Change]:
        pair = (_identity(old, self._old_root), _identity(new, self._new_root))
        if pair in self._open:
            return
        self._open.add(pair)
        before, after = _whole(old, self._old_root), _whole(new, self._new_root)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from self._of_objects(before, after, place)
        elif before != after:
            sentence = f"accepted {_said(before)}, accepts {_said(after)}"
            yield Change(place, "rule-changed", sentence)
        self._open.discard(pair)

    def _of_objects(self, old: dict[str, Any], new: dict[str, Any], place: str) -> Iterator[Change]:
        if _has_other_types(old, new):
            sentence = f"the type changed from {_kind(old)} to {_kind(new)}"
            yield Change(place, "type-changed", sentence)
            yield from _remarks(old, new, place)
            return
        yield from _types(old, new, place)
        yield from _values(old, new, place)
        yield from _limits(old, new, place)
        yield from _texts(old, new, place)
        yield from self._fields(old, new, place)
        yield from _openness(old, new, place)
        yield from self._items(old, new, place)
        yield from self._branches(old, new, place)
        yield from self._others(old, new, place)
        yield from _remarks(old, new, place)

    def _fields(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, needs = set(old.get("required", ())), set(new.get("required", ()))
        for name in {**before, **after}:
            here = place + pointer_of((name,))
            required = "required" if name in needs else "optional"
            if name not in before:
                was = " that was required without being described" if name in needed else ""
                said = f"a field was added{was}; it is {required}"
                yield Change(here, f"field-added-{required}", said)
            elif name not in after:
                was = "required" if name in needed else "optional"
                yield Change(here, "field-removed", f"the field was removed; it was {was}")
            else:
                yield from _need(name in needed, name in needs, here)
                yield from self.of(before[name], after[name], here)
        for name in sorted((needed ^ needs) - before.keys() - after.keys()):
            yield from _need(name in needed, name in needs, place + pointer_of((name,)))

    def _items(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> Iterator[Change]:
        if "items" in old or "items" in new:
            yield from self.of(old.get("items", True), new.get("items", True), f"{place}/*")
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        for index in range(max(len(before), len(after))):
            here = f"{place}/{index}"
            if index >= len(before):
                yield Change(here, "item-added", "the item got a rule of its own")
            elif index >= len(after):
                yield Change(here, "item-removed", "the item lost its own rule")
            else:
                yield from self.of(before[index], after[index], here)

    def _branches(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> Iterator[Change]:
        """Alternatives, told apart by their tags, else by their titles or places."""
        before = _named(old.get("oneOf", []), self._old_root)
        after = _named(new.get("oneOf", []), self._new_root)
        for name in {**before, **after}:
            if name not in before:
                yield Change(place, "alternative-added", f"the alternative {name} was added")
            elif name not in after:
                yield Change(place, "alternative-removed", f"the alternative {name} was removed")
            else:
                yield from self.of(before[name], after[name], place)

    def _others(
        self, old: Mapping[str, Any], new: Mapping[str, Any], place: str
    ) -> Iterator[Change]:
        """Keywords without words of their own."""
        for keyword in sorted({*old, *new} - _TOLD_APART):
            before = _inlined(old.get(keyword), self._old_root)
            after = _inlined(new.get(keyword), self._new_root)
            if before == after:
                continue
            if keyword not in old:
                sentence = f"{keyword} was added: {_said(after)}"
            elif keyword not in new:
                sentence = f"{keyword} was removed; it was {_said(before)}"
            else:
                sentence = f"{keyword} changed from {_said(before)} to {_said(after)}"
            yield Change(place, "rule-changed", sentence)


def _has_other_types(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether no value but null can be of both: then one sentence says it all."""
    before, after = ({*_list(each.get("type"))} - {"null"} for each in (old, new))
    numbers = {"integer", "number"}
    return bool(before and after and not before & after and not (before | after) <= numbers)


def _kind(schema: Mapping[str, Any]) -> str:
    """object of amount, currency"""
    fields = ", ".join(schema.get("properties", ()))
    types = " or ".join(_list(schema["type"]))
    return f"{types} of {fields}" if fields else types


def _types(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    before, after = _list(old.get("type")), _list(new.get("type"))
    if {*before} == {*after}:
        return
    lost, won = (
        [each for each in before if each not in after],
        [each for each in after if each not in before],
    )
    if not before or not after:
        added = "any" if not after else " or ".join(after)
        sentence = f"the type changed from {' or '.join(before) or 'any'} to {added}"
        yield Change(place, "type-changed", sentence)
    elif not lost and won == ["null"]:
        yield Change(place, "null-allowed", "may be null now")
    elif not won and lost == ["null"]:
        yield Change(place, "null-refused", "may no longer be null")
    else:
        sentence = f"the type changed from {' or '.join(before)} to {' or '.join(after)}"
        yield Change(place, "type-changed", sentence)


def _values(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    before, after = _allowed(old), _allowed(new)
    if before is None and after is None:
        return
    if before is None or after is None:
        sentence = (
            f"any value may stand here now; it was one of {_said(before)}"
            if after is None
            else f"only {_said(after)} may stand here now"
        )
        yield Change(place, "values-opened" if after is None else "values-listed", sentence)
        return
    for kind, verb, values in (
        ("value-added", "added", _without(after, before)),
        ("value-removed", "removed", _without(before, after)),
    ):
        if values:
            noun = "value was" if len(values) == 1 else "values were"
            listed = ", ".join(map(_said, values))
            yield Change(place, kind, f"the {noun} {verb}: {listed}")


def _without(values: list[Any], others: list[Any]) -> list[Any]:
    """As JSON has it: true is not 1."""
    known = {json.dumps(other, sort_keys=True) for other in others}
    return [value for value in values if json.dumps(value, sort_keys=True) not in known]


def _limits(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    for keyword, noun in {**_LEAST, **_MOST}.items():
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if before is None:
            yield Change(place, "limit-tightened", f"a {noun} was added: {after} (tightened)")
        elif after is None:
            yield Change(place, "limit-loosened", f"the {noun} {before} was removed (loosened)")
        else:
            tightened = after > before if keyword in _LEAST else after < before
            word = "tightened" if tightened else "loosened"
            verb = "raised" if after > before else "lowered"
            sentence = f"the {noun} was {verb} from {before} to {after} ({word})"
            yield Change(place, f"limit-{word}", sentence)


def _texts(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    for keyword in ("pattern", "format"):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if before is None:
            sentence = f"a {keyword} was added: {after}"
        elif after is None:
            sentence = f"the {keyword} {before} was removed"
        else:
            sentence = f"the {keyword} changed from {before} to {after}"
        yield Change(place, f"{keyword}-changed", sentence)


def _openness(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    before, after = (each.get("additionalProperties", True) for each in (old, new))
    if before == after:
        return
    if after is False:
        yield Change(place, "closed", "was closed: no field beyond those described may stand here")
    elif after is True:
        yield Change(place, "opened", "was opened: fields that are not described may stand here")
    else:
        sentence = f"fields that are not described: from {_said(before)} to {_said(after)}"
        yield Change(place, "rule-changed", sentence)


def _remarks(old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
    if bool(old.get("x-personal")) != bool(new.get("x-personal")):
        marked = "marked" if new.get("x-personal") else "no longer marked"
        yield Change(place, "personal-changed", f"is {marked} as personal data")
    if old.get("x-upcast") != new.get("x-upcast") and new.get("x-upcast"):
        yield Change(place, "upcast", f"old events are carried over: {new['x-upcast']}")
    if old.get("default") != new.get("default"):
        sentence = (
            f"the default changed from {_said(old.get('default'))} to {_said(new.get('default'))}"
        )
        yield Change(place, "words-changed", sentence)
    changed = [keyword for keyword in sorted(_WORDS) if old.get(keyword) != new.get(keyword)]
    if changed:
        yield Change(place, "words-changed", f"other words: {', '.join(changed)}")


def _need(before: bool, after: bool, place: str) -> Iterator[Change]:
    if before and not after:
        yield Change(place, "made-optional", "was required and is now optional")
    elif after and not before:
        yield Change(place, "made-required", "was optional and is now required")


def _whole(schema: Schema, root: Schema) -> Schema:
    """A schema with what its $ref and its allOf say merged into it, where that can be said."""
    followed: set[int] = set()
    while isinstance(schema, dict) and ("$ref" in schema or _can_merge(schema)):
        if "$ref" in schema:
            target = at(root, schema["$ref"][1:])
            if id(target) in followed or not isinstance(target, dict):
                return schema
            followed.add(id(target))
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            parts = [target, beside]
        else:
            beside = {key: value for key, value in schema.items() if key != "allOf"}
            parts = [*schema["allOf"], beside]
        merged: dict[str, Any] = {}
        for part in parts:
            merged = _merged(merged, part, root)
        schema = merged
    return schema


def _identity(schema: Schema, root: Schema) -> int:
    """The same for a schema and for what only refers to it."""
    followed: set[int] = set()
    while isinstance(schema, dict) and "$ref" in schema and id(schema) not in followed:
        if not all(key == "$ref" or _is_remark(key) for key in schema):
            break
        followed.add(id(schema))
        schema = at(root, schema["$ref"][1:])
    return id(schema)


def _can_merge(schema: Mapping[str, Any]) -> bool:
    return "allOf" in schema and all(isinstance(part, dict) for part in schema["allOf"])


def _merged(one: Mapping[str, Any], other: Mapping[str, Any], root: Schema) -> dict[str, Any]:
    made = dict(one)
    unsaid = {}
    for keyword, value in other.items():
        if keyword not in made or made[keyword] == value or _is_remark(keyword):
            made[keyword] = value
        elif keyword in _LEAST:
            made[keyword] = max(made[keyword], value)
        elif keyword in _MOST:
            made[keyword] = min(made[keyword], value)
        elif keyword == "required":
            made[keyword] = [*made[keyword], *(each for each in value if each not in made[keyword])]
        elif keyword == "properties":
            made[keyword] = _both(made[keyword], value, root)
        elif keyword == "type":
            shared = [each for each in _list(made[keyword]) if each in _list(value)]
            made[keyword] = shared
        else:
            unsaid[keyword] = value
    if unsaid:
        made["and also"] = [*made.get("and also", ()), unsaid]
    return made


def _is_remark(keyword: str) -> bool:
    return keyword in _WORDS or keyword.startswith(("x-", "$")) or keyword == "default"


def _both(
    one: Mapping[str, Schema], other: Mapping[str, Schema], root: Schema
) -> dict[str, Schema]:
    made = dict(one)
    for name, value in other.items():
        before = _whole(made[name], root) if name in made else {}
        value = _whole(value, root)
        is_plain = isinstance(before, dict) and isinstance(value, dict)
        made[name] = _merged(before, value, root) if is_plain else value
    return made


def _inlined(value: Any, root: Schema, around: frozenset[str] = frozenset()) -> Any:
    """A value with every $ref in it replaced by what stands there; one that returns stays."""
    if isinstance(value, list):
        return [_inlined(each, root, around) for each in value]
    if not isinstance(value, dict):
        return value
    ref = value.get("$ref")
    if isinstance(ref, str) and ref not in around:
        inside = around | {ref}
        rest = {key: _inlined(each, root, around) for key, each in value.items() if key != "$ref"}
        return {**_as_object(_inlined(at(root, ref[1:]), root, inside)), **rest}
    return {key: _inlined(each, root, around) for key, each in value.items() if key not in _WORDS}


def _as_object(schema: Schema) -> dict[str, Any]:
    return schema if isinstance(schema, dict) else {"allOf": [schema]}


def _named(branches: list[Schema], root: Schema) -> dict[str, Schema]:
    """The alternatives by what tells them apart: kind "card", a title, or a number."""
    named: dict[str, Schema] = {}
    for index, branch in enumerate(branches):
        whole = _whole(branch, root)
        said = whole if isinstance(whole, dict) else {}
        tags = [
            f"{name} {_said(below['const'])}"
            for name, below in said.get("properties", {}).items()
            if isinstance(below, dict) and "const" in below
        ]
        name = tags[0] if tags else str(said.get("title", f"number {index + 1}"))
        named[name if name not in named else f"{name} (number {index + 1})"] = branch
    return named


def _allowed(schema: Mapping[str, Any]) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else None


def _list(types: Any) -> list[str]:
    return [types] if isinstance(types, str) else list(types or ())


def _said(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
