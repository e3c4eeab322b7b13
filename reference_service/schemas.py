"""The published language at run time: validators compiled from contracts/, and its errors.

A schema's name is its path below contracts/ without `.json`: `events/public/order_placed/v1`.
Nothing is read, imported or compiled before the first check that needs it.

*Open reading*: a reader that meets a version newer than it knows validates by the newest that it
knows, opened, and ignores what that one does not describe.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import msgspec

from reference_service.quicker import quicker
from reference_service.sealing import PATTERN as SEALED

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, ValidationError

# Beside the package, in the repository as in the Lambda package.
CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"

_NAME = re.compile(r"[a-z_]+(/[a-z_]+)*/v[1-9][0-9]*")
_FOLDERS = {"events": "event", "commands": "command", "answers": "answer", "types": "type"}
_ENVELOPE = "envelope/v1"
# Where the schemas of what is stored stand.
STORED = "events/internal/"

Visibility: TypeAlias = Literal["internal", "public"]


class Fault(NamedTuple):
    """What is wrong at one place; `pointer` is a JSON pointer (RFC 6901), "" for the whole.

    Neither part repeats a value of the instance: a value may be personal, a fault is logged.
    """

    pointer: str
    detail: str


class InvalidEvent(ValueError):
    """An event that its own contract refuses; it is not written."""

    def __init__(self, event_type: str, faults: tuple[Fault, ...]) -> None:
        self.event_type = event_type
        self.faults = faults
        super().__init__(f"{event_type}: {in_words(faults)}")


class Undecodable(ValueError):
    """Stored or received events that this deployment cannot read; repeating will not help."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnknownSchema(LookupError):
    """contracts/ has no such schema."""


class Schemas:
    """The validators of one contracts folder, each compiled at its first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._quick = _Validators(folder, quicker)
        self._closed = _Validators(folder, lambda schema, _: schema)
        self._open = _Validators(folder, lambda schema, _: opened(schema))

    @classmethod
    def load(cls, folder: Path = CONTRACTS) -> Schemas:
        """The schemas below `folder`; raises FileNotFoundError when there is no such folder."""
        if not folder.is_dir():
            raise FileNotFoundError(f"no contracts folder at {folder}")
        return cls(folder)

    def question(self, name: str) -> Callable[[Any], bool]:
        """Whether a JSON value of valid Unicode keeps a schema, formats included; ready to ask.

        Raises UnknownSchema.
        """
        accepts: Callable[[Any], bool] = self._quick[name].is_valid
        return accepts

    def check(self, name: str, instance: Any, *, reading_on: bool = False) -> tuple[Fault, ...]:
        """Every fault of a JSON value by its schema, formats included, by pointer; () when valid.

        `reading_on` is open reading. Raises UnknownSchema.
        """
        try:
            if (self._open if reading_on else self._quick)[name].is_valid(instance):
                return ()
            validator = (self._open if reading_on else self._closed)[name]
            errors = list(validator.iter_errors(instance))
        except UnicodeEncodeError:  # a lone surrogate: Python's json reads it, UTF-8 cannot hold it
            return (Fault("", "holds a character that is not valid Unicode"),)
        return tuple(sorted({fault for error in errors for fault in _faults(error)}))

    def check_public(self, event: Any, *, reading_on: bool = False) -> tuple[Fault, ...]:
        """Every fault of a public event: of its envelope, else of its data.

        A writer's event names a version that is known here; with `reading_on` it may be a newer
        one, which says by `oldestreader` that the newest known here can read it.
        """
        if faults := self.check(_ENVELOPE, event, reading_on=reading_on):
            return faults
        *_, text = event["dataschema"].rpartition(":v")
        version, data = int(text), event["data"]
        name = event_schema("public", event["type"], version)
        if event["dataschema"] != urn(name):
            return (Fault("/dataschema", f"must be {urn(name)}, as the type says"),)
        try:
            faults = self.check(name, data)
        except UnknownSchema:
            newest = self.newest(event_folder("public", event["type"]))
            if not newest:
                return (Fault("/type", "is not a public event that is known here"),)
            if not reading_on or not readable(version, event.get("oldestreader"), newest):
                return (
                    Fault("/dataschema", f"has version {version}; here {newest} is the newest"),
                )
            name = event_schema("public", event["type"], newest)
            faults = self.check(name, data, reading_on=True)
        return tuple(Fault(f"/data{fault.pointer}", fault.detail) for fault in faults)

    def newest(self, folder: str) -> int:
        """The highest version in a folder of contracts/ ("events/public/order_placed"), or 0."""
        found = (self._folder / folder).glob("v*.json")
        return max((int(path.stem[1:]) for path in found), default=0)

    def pruned(self, name: str, instance: dict[str, Any]) -> dict[str, Any]:
        """The value without the fields that a closed schema does not know, at any depth.

        Raises UnknownSchema.
        """
        kept = copy.deepcopy(instance)
        for error in self._closed[name].iter_errors(instance):
            if error.kind.name in ("additionalProperties", "unevaluatedProperties"):
                place: Any = kept
                for step in error.instance_path:
                    place = place[step]
                for unknown in error.kind.value:
                    del place[unknown]
        return kept


class _Validators(dict[str, "Draft202012Validator"]):
    """Validators by schema name, each compiled when it is first asked for."""

    def __init__(
        self, folder: Path, put: Callable[[dict[str, Any], dict[str, dict[str, Any]]], Any]
    ) -> None:
        """`put(schema, types)` is how the schema is put to the validator."""
        super().__init__()
        self._folder, self._put = folder, put

    def __missing__(self, name: str) -> Draft202012Validator:
        # Imported here: a function that checks nothing does not pay for it.
        from jsonschema_rs import Draft202012Validator, RegexOptions, Registry

        path = self._folder / f"{name}.json"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise UnknownSchema(f"no schema {name} in {self._folder}")
        types = self._types
        schema = _json(path)
        if name.startswith(STORED):
            schema = sealable(schema)
        self[name] = Draft202012Validator(
            self._put(schema, types),
            registry=Registry([(key, self._put(each, types)) for key, each in types.items()]),
            validate_formats=True,
            ignore_unknown_formats=False,
            # In time linear to the text, whatever the pattern.
            pattern_options=RegexOptions(),
            offline=True,
        )
        return self[name]

    @cached_property
    def _types(self) -> dict[str, dict[str, Any]]:
        shared = map(_json, sorted(self._folder.glob("types/*/v*.json")))
        return {schema["$id"]: schema for schema in shared}


def _json(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return schema


def sealable(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an event as it is stored: what is personal may stand there as sealed text."""
    properties = {
        name: {"if": {"type": "string"}, "then": {"pattern": SEALED}, "else": below}
        if below.get("x-personal")
        else below
        for name, below in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def opened(schema: Any) -> Any:
    """The schema as an open reader takes it: what it does not describe may be there.

    `additionalProperties: false` and `unevaluatedProperties: false` are dropped wherever the
    schema asserts, which is not so below `not` and `if`; all else stays.
    """
    if not isinstance(schema, dict):
        return schema
    return {
        keyword: _opened_below(keyword, value)
        for keyword, value in schema.items()
        if not (keyword in _CLOSING and value is False)
    }


_CLOSING = {"additionalProperties", "unevaluatedProperties"}
_SUBSCHEMA = {*_CLOSING, "items", "unevaluatedItems", "contains", "propertyNames", "then", "else"}
_SUBSCHEMAS = {"prefixItems", "allOf", "anyOf", "oneOf"}
_NAMED_SUBSCHEMAS = {"properties", "patternProperties", "dependentSchemas", "$defs"}


def _opened_below(keyword: str, value: Any) -> Any:
    if keyword in _SUBSCHEMA:
        return opened(value)
    if keyword in _SUBSCHEMAS and isinstance(value, list):
        return [opened(schema) for schema in value]
    if keyword in _NAMED_SUBSCHEMAS and isinstance(value, dict):
        return {name: opened(schema) for name, schema in value.items()}
    return value


def readable(version: int, oldest_reader: int | None, known: int) -> bool:
    """Whether who knows an event up to version `known` can read one of this newer version."""
    return known < version and oldest_reader is not None and 1 <= oldest_reader <= known


def event_folder(visibility: Visibility, event_type: str) -> str:
    """The folder of an event's versions: ("public", "OrderPlaced") → events/public/order_placed."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", event_type).lower()
    return f"events/{visibility}/{snake}"


def event_schema(visibility: Visibility, event_type: str, version: int = 1) -> str:
    """The name of an event's schema: ("public", "OrderPlaced") → events/public/order_placed/v1."""
    return f"{event_folder(visibility, event_type)}/v{version}"


def urn(name: str) -> str:
    """The `$id` of a schema by its name: what a CloudEvent's `dataschema` says."""
    folder, *rest = name.split("/")
    return ":".join(("urn", "bitacora", _FOLDERS.get(folder, folder), *rest))


def received(schemas: Schemas, body: str | bytes) -> dict[str, Any]:
    """The public event in a queue message, in open reading; raises Undecodable."""
    try:
        cloud_event: dict[str, Any] = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Undecodable(f"a message that is no JSON: {error}") from error
    if faults := schemas.check_public(cloud_event, reading_on=True):
        raise Undecodable(f"no public event that is known here: {in_words(faults)}")
    return cloud_event


def in_words(faults: Iterable[Fault]) -> str:
    """All faults in one line."""
    return "; ".join(f"{fault.pointer or 'the whole'} {fault.detail}" for fault in faults)


def _faults(error: ValidationError) -> Iterator[Fault]:
    pointer = "".join(f"/{_escaped(str(step))}" for step in error.instance_path)
    keyword, value = error.kind.name, error.kind.value
    match keyword:
        case "required":
            yield Fault(f"{pointer}/{_escaped(value)}", "is required")
        case "additionalProperties":
            for name in sorted(value):
                yield Fault(f"{pointer}/{_escaped(name)}", "is not a known property")
        case _:
            yield Fault(pointer, _requirement(keyword, value))


def _requirement(keyword: str, value: Any) -> str:
    match keyword:
        case "type":
            return f"must be {' or '.join(_TYPES[name] for name in value)}"
        case "enum":
            return f"must be one of {', '.join(map(str, value))}"
        case "const":
            return f"must be {value}"
        case "pattern":
            return f"must match {value}"
        case "format":
            return f"must be a {value}"
        case "minimum":
            return f"must be at least {value}"
        case "maximum":
            return f"must be at most {value}"
        case "minLength":
            return f"must have at least {value} characters"
        case "maxLength":
            return f"must have at most {value} characters"
        case "minItems":
            return f"must have at least {value} items"
        case "maxItems":
            return f"must have at most {value} items"
        case _:
            return f"breaks the rule {keyword}: {value}"


_TYPES = {
    "array": "an array",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
