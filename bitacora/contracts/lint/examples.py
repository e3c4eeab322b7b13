"""Rules about examples: each version is shown at its smallest, in full, and where it says no."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from jsonschema_rs import Draft202012Validator, ValidationError

from bitacora.contracts.finding import Finding
from bitacora.contracts.folder import FORMS, Folder, Version
from bitacora.contracts.keywords import Schema, at, pointer_of

LEAST_BAD = 2
_BAD_MEMBERS = {"reason": str, "pointer": str, "keyword": str}


class Fault(NamedTuple):
    """What a validator refuses: the place in the instance and the keyword."""

    pointer: str
    keyword: str


def example_there(folder: Folder) -> Iterator[Finding]:
    """Every version has its three examples; what is only a part of others is shown in theirs."""
    for version in folder.versions:
        if version.is_type:
            continue
        for form in FORMS:
            if (file := version.example(form)) not in folder.files:
                what = f"has no {form} example"
                yield Finding(version.file, "", what, f"Write {file}.")


def example_valid(folder: Folder) -> Iterator[Finding]:
    """The minimal and the full example keep their contract."""
    for version, form, value, schema in _shown(folder):
        for fault in faults(schema, value):
            what = f"breaks {fault.keyword} of v{version.number}"
            remedy = "Correct the example, or the schema while it is not released."
            yield Finding(version.example(form), fault.pointer, what, remedy)


def bad_form(folder: Folder) -> Iterator[Finding]:
    """Bad examples are a list of at least two, each with its reason, pointer, keyword and data."""
    remedy = 'Write at least two of {"reason", "pointer", "keyword", "data"}.'
    for version in folder.versions:
        file = version.example("bad")
        if file not in folder.values:
            continue
        cases = folder.values[file]
        if not isinstance(cases, list) or len(cases) < LEAST_BAD:
            yield Finding(file, "", f"is no list of at least {LEAST_BAD} bad examples", remedy)
            continue
        for index, case in enumerate(cases):
            if not _is_case(case):
                what = "is no bad example: reason, pointer and keyword are texts, data is a value"
                yield Finding(file, f"/{index}", what, remedy)


def _is_case(case: Any) -> bool:
    return (
        isinstance(case, dict)
        and case.keys() == {*_BAD_MEMBERS, "data"}
        and all(isinstance(case[name], kind) for name, kind in _BAD_MEMBERS.items())
        and bool(case["reason"].strip())
    )


def bad_reason(folder: Folder) -> Iterator[Finding]:
    """A bad example is refused, for the reason that it states and for no other."""
    for version, document in folder.documents.items():
        file = version.example("bad")
        cases = folder.values.get(file)
        for index, case in enumerate(cases if isinstance(cases, list) else ()):
            if not _is_case(case):
                continue
            stated = Fault(case["pointer"], case["keyword"])
            found = faults(document.schema, case["data"])
            if not found:
                what = f"is accepted, although: {case['reason']}"
            elif found != [stated]:
                others = ", ".join(f"{each.keyword} at {_place(each)}" for each in found)
                what = f"states {stated.keyword} at {_place(stated)}, and is refused for {others}"
            else:
                continue
            yield Finding(file, f"/{index}", what, "State the one fault that its data has.")


def _place(fault: Fault) -> str:
    return fault.pointer or "the whole"


def full_shows_all(folder: Folder) -> Iterator[Finding]:
    """The full example shows every field."""
    for version, form, value, schema in _shown(folder):
        if form == "full":
            for pointer in _missing(schema, [schema], [value], ""):
                what = f"does not show {pointer}"
                yield Finding(version.example(form), "", what, "Show it, in one item at least.")


def minimal_shows_required(folder: Folder) -> Iterator[Finding]:
    """The minimal example shows nothing that could be left out."""
    for version, form, value, schema in _shown(folder):
        if form == "minimal":
            for pointer in _optional(schema, [schema], value, ""):
                what = "is shown, although it is not required"
                yield Finding(version.example(form), pointer, what, "Leave it out.")


def _shown(folder: Folder) -> Iterator[tuple[Version, str, Any, Schema]]:
    for version, document in folder.documents.items():
        for form in ("minimal", "full"):
            if (file := version.example(form)) in folder.values:
                yield version, form, folder.values[file], document.schema


def faults(schema: Schema, instance: Any) -> list[Fault]:
    """Every fault of an instance, by pointer. A missing field is at the place where it would be."""
    validator = Draft202012Validator(schema, validate_formats=True, offline=True)
    try:
        return sorted({each for error in validator.iter_errors(instance) for each in _of(error)})
    except UnicodeEncodeError:  # a lone surrogate: JSON can escape it, UTF-8 cannot hold it
        return [Fault("", "encoding")]


def _of(error: ValidationError) -> Iterator[Fault]:
    path = tuple(map(str, error.instance_path))
    keyword, value = error.kind.name, error.kind.value
    named: Iterable[str] = ()
    if keyword == "required":
        named = [value]
    elif keyword == "additionalProperties":
        named = value
    else:
        yield Fault(pointer_of(path), keyword)
    yield from (Fault(pointer_of((*path, name)), keyword) for name in named)


class _Shape(NamedTuple):
    """What schemas say of the inside of a value, their $refs followed."""

    properties: dict[str, list[Schema]]
    required: set[str]
    items: list[Schema]
    branches: list[Schema]


def _shape(root: Schema, schemas: Iterable[Schema]) -> _Shape:
    shape = _Shape({}, set(), [], [])
    waiting = [each for each in schemas if isinstance(each, dict)]
    followed: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in followed:
            continue
        followed.add(id(node))
        for name, below in node.get("properties", {}).items():
            shape.properties.setdefault(name, []).append(below)
        shape.required.update(node.get("required", ()))
        shape.items.extend([*node.get("prefixItems", ()), node.get("items", False)])
        shape.branches.extend(node.get("oneOf", ()))
        if "$ref" in node:
            waiting.append(at(root, node["$ref"][1:]))
    return shape


def _fits(root: Schema, branch: Schema, value: Any) -> bool:
    """Whether a value carries the tags of a branch of a oneOf."""
    for name, said in _shape(root, [branch]).properties.items():
        for each in said:
            tags = [each["const"]] if "const" in each else each.get("enum")
            if tags and value.get(name) not in tags:
                return False
    return True


def _missing(root: Schema, schemas: list[Schema], values: list[Any], place: str) -> Iterator[str]:
    """Pointers of the fields that none of the values shows; `*` is any item of a list."""
    shape = _shape(root, schemas)
    objects = [value for value in values if isinstance(value, dict)]
    for name, below in shape.properties.items():
        here = place + pointer_of((name,))
        shown = [value[name] for value in objects if name in value]
        yield from _missing(root, below, shown, here) if shown else [here]
    if any(shape.items):
        listed = [item for value in values if isinstance(value, list) for item in value]
        yield from _missing(root, shape.items, listed, f"{place}/*") if listed else [f"{place}/*"]
    for branch in shape.branches:
        if taking := [value for value in objects if _fits(root, branch, value)]:
            yield from _missing(root, [branch], taking, place)


def _optional(root: Schema, schemas: list[Schema], value: Any, place: str) -> Iterator[str]:
    """Pointers of what a value shows although it is not required."""
    shape = _shape(root, schemas)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _optional(root, shape.items, item, f"{place}/{index}")
    if not isinstance(value, dict):
        return
    if taken := [each for each in shape.branches if _fits(root, each, value)]:
        shape = _shape(root, [*schemas, *taken])
    for name, inner in value.items():
        here = place + pointer_of((name,))
        if name in shape.required:
            yield from _optional(root, shape.properties.get(name, []), inner, here)
        elif name in shape.properties:
            yield here
