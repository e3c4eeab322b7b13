"""The published language at run time: validators compiled from contracts/, and its errors.

A schema's name is its path below contracts/ without `.json`: `events/public/order_placed/v1`.
Nothing is read, imported or compiled before the first check that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    from jsonschema_rs import Draft202012Validator, Registry, ValidationError

# Beside the package, in the repository as in the Lambda package.
CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"

_NAME = re.compile(r"[a-z_]+(/[a-z_]+)*/v[1-9][0-9]*")
_FOLDERS = {"events": "event", "commands": "command", "types": "type"}


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
        self._types: Registry | None = None
        self._validators: dict[str, Draft202012Validator] = {}

    @classmethod
    def load(cls, folder: Path = CONTRACTS) -> Schemas:
        """The schemas below `folder`; raises FileNotFoundError when there is no such folder."""
        if not folder.is_dir():
            raise FileNotFoundError(f"no contracts folder at {folder}")
        return cls(folder)

    def check(self, name: str, instance: Any) -> tuple[Fault, ...]:
        """Every fault of a JSON value by its schema, formats included, by pointer; () when valid.

        Raises UnknownSchema.
        """
        validator = self._validators.get(name) or self._compiled(name)
        try:
            if validator.is_valid(instance):
                return ()
            errors = list(validator.iter_errors(instance))
        except UnicodeEncodeError:  # a lone surrogate: Python's json reads it, UTF-8 cannot hold it
            return (Fault("", "holds a character that is not valid Unicode"),)
        return tuple(sorted({fault for error in errors for fault in _faults(error)}))

    def check_public(self, cloud_event: Any) -> tuple[Fault, ...]:
        """Every fault of a public event: of its envelope, else of its data."""
        if faults := self.check("envelope/v1", cloud_event):
            return faults
        *_, version = cloud_event["dataschema"].rpartition(":v")
        name = event_schema("public", cloud_event["type"], int(version))
        if cloud_event["dataschema"] != urn(name):
            return (Fault("/dataschema", f"must be {urn(name)}, as the type says"),)
        try:
            faults = self.check(name, cloud_event["data"])
        except UnknownSchema:
            return (Fault("/dataschema", "is a version that is not known here"),)
        return tuple(Fault(f"/data{fault.pointer}", fault.detail) for fault in faults)

    def _compiled(self, name: str) -> Draft202012Validator:
        # Imported here: a function that checks nothing does not pay for it.
        from jsonschema_rs import Draft202012Validator

        path = self._folder / f"{name}.json"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise UnknownSchema(f"no schema {name} in {self._folder}")
        validator = Draft202012Validator(
            _json(path),
            registry=self._registry(),
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
        )
        self._validators[name] = validator
        return validator

    def _registry(self) -> Registry:
        from jsonschema_rs import Registry

        if self._types is None:
            shared = map(_json, sorted(self._folder.glob("types/*/v*.json")))
            self._types = Registry([(schema["$id"], schema) for schema in shared])
        return self._types


def event_schema(
    visibility: Literal["internal", "public"], event_type: str, version: int = 1
) -> str:
    """The name of an event's schema: ("public", "OrderPlaced") → events/public/order_placed/v1."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", event_type).lower()
    return f"events/{visibility}/{snake}/v{version}"


def urn(name: str) -> str:
    """The `$id` of a schema by its name: what a CloudEvent's `dataschema` says."""
    folder, *rest = name.split("/")
    return ":".join(("urn", "bitacora", _FOLDERS.get(folder, folder), *rest))


def received(schemas: Schemas, body: str | bytes) -> dict[str, Any]:
    """The public event in a queue message; raises Undecodable."""
    try:
        cloud_event: dict[str, Any] = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Undecodable(f"a message that is no JSON: {error}") from error
    if faults := schemas.check_public(cloud_event):
        raise Undecodable(f"no public event that is known here: {in_words(faults)}")
    return cloud_event


def in_words(faults: Iterable[Fault]) -> str:
    """All faults in one line."""
    return "; ".join(f"{fault.pointer or 'the whole'} {fault.detail}" for fault in faults)


def _json(path: Path) -> Any:
    return msgspec.json.decode(path.read_bytes())


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
