"""Where schemas stand inside a schema: the applicators of JSON Schema 2020-12."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

# True, False or an object.
Schema: TypeAlias = Any
Place: TypeAlias = Literal["one", "list", "map"]

# Applied to the same value as the schema they stand in.
IN_PLACE: Mapping[str, Place] = {
    "allOf": "list",
    "anyOf": "list",
    "oneOf": "list",
    "not": "one",
    "if": "one",
    "then": "one",
    "else": "one",
    "dependentSchemas": "map",
}
# Applied to what is inside the value.
OF_PROPERTIES: Mapping[str, Place] = {
    "properties": "map",
    "patternProperties": "map",
    "additionalProperties": "one",
    "unevaluatedProperties": "one",
    "propertyNames": "one",
}
OF_ITEMS: Mapping[str, Place] = {
    "prefixItems": "list",
    "items": "one",
    "contains": "one",
    "unevaluatedItems": "one",
}
# Applied only where a $ref leads.
NAMED: Mapping[str, Place] = {"$defs": "map", "definitions": "map"}
APPLICATORS: Mapping[str, Place] = {**IN_PLACE, **OF_PROPERTIES, **OF_ITEMS, **NAMED}


def subschemas(schema: Schema) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """The schemas directly inside `schema`, each with its path: ("properties", "total")."""
    if not isinstance(schema, dict):
        return
    for keyword, place in APPLICATORS.items():
        if keyword not in schema:
            continue
        value = schema[keyword]
        match place:
            case "one":
                yield (keyword,), value
            case "list":
                yield from (((keyword, str(index)), each) for index, each in enumerate(value))
            case "map":
                yield from (((keyword, name), each) for name, each in value.items())


def rebuilt(
    schema: dict[str, Any], change: Callable[[tuple[str, ...], Schema], Schema]
) -> dict[str, Any]:
    """The schema with `change(path, subschema)` in the place of each schema directly inside."""
    made = dict(schema)
    for keyword, place in APPLICATORS.items():
        if keyword not in schema:
            continue
        value = schema[keyword]
        match place:
            case "one":
                made[keyword] = change((keyword,), value)
            case "list":
                made[keyword] = [change((keyword, str(at)), each) for at, each in enumerate(value)]
            case "map":
                made[keyword] = {
                    name: change((keyword, name), each) for name, each in value.items()
                }
    return made


def walk(schema: Schema, pointer: str = "") -> Iterator[tuple[str, Schema]]:
    """`schema` and every schema below it, each with its JSON pointer (RFC 6901)."""
    waiting = [(pointer, schema)]
    while waiting:
        here, each = waiting.pop()
        yield here, each
        waiting += [(here + pointer_of(path), below) for path, below in subschemas(each)]


def pointer_of(path: tuple[str, ...]) -> str:
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)


def steps(pointer: str) -> list[str]:
    """The steps of a JSON pointer."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def at(document: Any, pointer: str) -> Any:
    """What stands at a JSON pointer. Raises LookupError."""
    here = document
    for step in steps(pointer):
        if isinstance(here, list):
            if not step.isdecimal() or int(step) >= len(here):
                raise LookupError(pointer)
            here = here[int(step)]
        elif isinstance(here, dict) and step in here:
            here = here[step]
        else:
            raise LookupError(pointer)
    return here
