"""A schema as a document: read with care, every $ref followed, made to stand by itself.

Nothing is ever fetched: a $ref leads into the document, to a schema that is given, or nowhere.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import jsonschema_rs
from jsonschema import Draft202012Validator, SchemaError

from bitacora.contracts.keywords import IN_PLACE, Schema, at, pointer_of, rebuilt, subschemas, walk
from bitacora.contracts.satisfiability.patterns import compiles

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LARGEST_BYTES = 1024 * 1024
MOST_APPLIED = 50_000
_KNOWN_OTHERWISE = {"$id", "$schema", "$anchor", "$comment"}


class ContractFault(Exception):
    """What is wrong with a contract: `where` is its file or name, `pointer` a JSON pointer into it.

    `line` counts from 1; None where the pointer tells.
    """

    def __init__(self, where: str, pointer: str, what: str, line: int | None = None) -> None:
        self.where, self.pointer, self.what, self.line = where, pointer, what, line
        place = f"{where}:{line}" if line else where + (f" at {pointer}" if pointer else "")
        super().__init__(f"{place}: {what}")


# The schema that an absolute URI without fragment names; None when it names none.
Lookup = Callable[[str], Schema | None]


@dataclass(frozen=True)
class Document:
    """A schema whose every $ref is "#" or "#/…": `schema` may be used without a registry."""

    name: str
    schema: Schema
    original: Schema = field(repr=False)

    @classmethod
    def of(
        cls, schema: Schema, name: str = "schema", lookup: Lookup = lambda _: None
    ) -> "Document":
        """Checks the schema and follows its references. Raises ContractFault."""
        check_schema(schema, name)
        standalone = _Bundle(name, schema, lookup).made()
        _refuse_endless(standalone, name)
        return cls(name, standalone, schema)


def load_document(path: Path, lookup: Lookup | None = None) -> Document:
    """The schema in a file; by default its $refs may lead to files below the same folder.

    Raises ContractFault.
    """
    path = path.resolve()
    return Document.of(
        read_json(path, str(path)), str(path), lookup or beside(path.parent, path.as_uri())
    )


def read_json(path: Path, where: str) -> Any:
    """The JSON in a regular file of at most LARGEST_BYTES. Raises ContractFault."""
    return parse_json(read_limited(path, where), where)


def read_limited(path: Path, name: str) -> bytes:
    """The bytes of a regular file of at most LARGEST_BYTES. Raises ContractFault."""
    try:
        if path.is_dir():
            raise ContractFault(name, "", "is a folder; a file was expected")
        if path.exists() and not path.is_file():
            raise ContractFault(name, "", "is no regular file")
        if (size := path.stat().st_size) > LARGEST_BYTES:
            raise too_large(name, size)
        return path.read_bytes()
    except OSError as error:
        raise ContractFault(name, "", f"cannot be read: {error.strerror}") from error


def too_large(name: str, size_bytes: int) -> ContractFault:
    """The fault of a file that is not even read."""
    size = f"{size_bytes / LARGEST_BYTES:.1f} MiB"
    return ContractFault(name, "", f"has {size}; a contract has at most 1 MiB")


def parse_json(text: bytes, where: str) -> Any:
    """Strict JSON: UTF-8, no NaN, no key twice in an object. Raises ContractFault."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        if len(made) < len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise ContractFault(where, "", f'an object has the key "{twice}" twice')
        return made

    def constant(name: str) -> Any:
        raise ContractFault(where, "", f"{name} is no JSON")

    def number(digits: str) -> float:
        if isinf(value := float(digits)):
            raise ContractFault(where, "", f"{digits} is too large for a number")
        return value

    if not text.strip():
        raise ContractFault(where, "", "is empty; a JSON document was expected")
    try:
        return json.loads(
            text.decode(), object_pairs_hook=pairs, parse_constant=constant, parse_float=number
        )
    except UnicodeDecodeError as error:
        raise ContractFault(where, "", f"is no UTF-8 text: byte {error.start}") from error
    except json.JSONDecodeError as error:
        what = f"is no JSON: {error.msg} (column {error.colno})"
        raise ContractFault(where, "", what, line=error.lineno) from error
    except RecursionError as error:
        raise ContractFault(where, "", "is nested too deeply to be read") from error
    except ValueError as error:
        raise ContractFault(where, "", "holds a number with too many digits") from error


def check_schema(schema: Any, name: str) -> None:
    """Raises ContractFault unless `schema` is one of JSON Schema 2020-12."""
    if not isinstance(schema, (bool, dict)):
        raise ContractFault(name, "", "is no schema: an object, true or false was expected")
    if isinstance(schema, dict) and str(schema.get("$schema", DIALECT)).rstrip("#") != DIALECT:
        raise ContractFault(name, "/$schema", f"is {schema['$schema']}; {DIALECT} is read here")
    try:
        # Fifty times slower, so it is only asked what is wrong.
        if not _keeps_the_metaschema(schema):
            Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        pointer = pointer_of(tuple(map(str, error.absolute_path)))
        raise ContractFault(name, pointer, f"is no valid schema: {error.message}") from error
    except RecursionError as error:
        raise ContractFault(name, "", "is nested too deeply to be read") from error
    for pointer, each in walk(schema):
        if isinstance(each, dict):
            _check_patterns(each, name, pointer)


def _keeps_the_metaschema(schema: Schema) -> bool:
    try:
        return bool(jsonschema_rs.meta.is_valid(schema))
    except ValueError:  # deeper than it goes, or no valid Unicode
        return False


def _check_patterns(schema: dict[str, Any], name: str, pointer: str) -> None:
    if "$dynamicRef" in schema or "$recursiveRef" in schema:
        raise ContractFault(name, pointer, "$dynamicRef is not followed here; use $ref")
    if "pattern" in schema and (fault := compiles(schema["pattern"])):
        raise ContractFault(name, f"{pointer}/pattern", f"is no regular expression: {fault}")
    for pattern in schema.get("patternProperties", {}):
        if fault := compiles(pattern):
            place = pointer + pointer_of(("patternProperties", pattern))
            raise ContractFault(name, place, f"is no regular expression: {fault}")


class _Bundle:
    """Makes one document of a schema and of all that its references lead to."""

    def __init__(self, name: str, schema: Schema, lookup: Lookup) -> None:
        self._name, self._schema, self._lookup = name, schema, lookup
        base = schema.get("$id", "") if isinstance(schema, dict) else ""
        # Absolute URI -> pointer in the standalone document, and the source it was made of.
        self._places: dict[str, tuple[str, Schema]] = {base: ("", schema)}
        self._embedded: dict[str, Schema] = {}
        self._base = base
        self._index(schema, base, "")

    def made(self) -> Schema:
        rewritten = self._rewritten(self._schema, self._base, "")
        if not self._embedded:
            return rewritten
        return {**rewritten, "$defs": {**rewritten.get("$defs", {}), **self._embedded}}

    def _index(self, schema: Schema, base: str, place: str) -> None:
        """Every $id and $anchor of a document, so that references find them."""
        waiting = [(schema, base, place)]
        while waiting:
            each, base, here = waiting.pop()
            if not isinstance(each, dict):
                continue
            if "$id" in each:
                base = urljoin(base, each["$id"]).rstrip("#")
                self._places.setdefault(base, (here, each))
            if "$anchor" in each:
                self._places[f"{base}#{each['$anchor']}"] = (here, each)
            waiting += [(below, base, here + pointer_of(path)) for path, below in subschemas(each)]

    def _rewritten(self, schema: Schema, base: str, here: str) -> Schema:
        if not isinstance(schema, dict):
            return schema
        if "$id" in schema:
            base = urljoin(base, schema["$id"]).rstrip("#")
        kept = {key: value for key, value in schema.items() if key not in _KNOWN_OTHERWISE}
        made = rebuilt(
            kept, lambda path, below: self._rewritten(below, base, here + pointer_of(path))
        )
        if "$ref" in schema:
            made["$ref"] = self._target(schema["$ref"], base, here)
        return made

    def _target(self, ref: str, base: str, here: str) -> str:
        uri, fragment = urldefrag(urljoin(base, ref) if ref.split("#")[0] else base + ref)
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            place, _ = self._found(f"{uri}#{fragment}", ref, here)
            return f"#{place}"
        place, source = self._found(uri, ref, here)
        try:
            target = at(source, fragment)
        except LookupError:
            target = None
        if not isinstance(target, (bool, dict)):
            raise self._nowhere(ref, here, "nothing stands there")
        return f"#{place}{fragment}"

    def _found(self, uri: str, ref: str, here: str) -> tuple[str, Schema]:
        if uri not in self._places:
            self._embed(uri.split("#")[0], ref, here)
        if uri not in self._places:
            raise self._nowhere(ref, here, "nothing has that name")
        return self._places[uri]

    def _embed(self, uri: str, ref: str, here: str) -> None:
        if uri in self._places:
            return
        schema = self._lookup(uri)
        if schema is None:
            scheme = urlsplit(uri).scheme
            remote = scheme in ("http", "https", "ftp")
            why = (
                "nothing is ever fetched from the network" if remote else "there is no such schema"
            )
            raise self._nowhere(ref, here, why)
        check_schema(schema, uri)
        key = uri.replace("~", "-").replace("/", "-")
        place = pointer_of(("$defs", key))
        self._places[uri] = (place, schema)
        self._index(schema, uri, place)
        self._embedded[key] = True
        self._embedded[key] = self._rewritten(schema, uri, place)

    def _nowhere(self, ref: str, here: str, why: str) -> ContractFault:
        return ContractFault(self._name, f"{here}/$ref", f'"{ref}" leads nowhere: {why}')


def beside(folder: Path, base: str) -> Lookup:
    def lookup(uri: str) -> Schema | None:
        parts = urlsplit(urljoin(base, uri))
        if parts.scheme != "file":
            return None
        path = Path(unquote(parts.path)).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            return None
        return read_json(path, str(path))

    return lookup


def _refuse_endless(schema: Schema, name: str) -> None:
    """A reference that comes back to itself at the same value means nothing; references that
    double at each step would take any validator for ever.
    """
    edges: dict[str, list[str]] = {}
    for pointer, each in walk(schema):
        if isinstance(each, dict):
            inside = [
                pointer + pointer_of(path) for path, _ in subschemas(each) if path[0] in IN_PLACE
            ]
            edges[pointer] = inside + ([each["$ref"][1:]] if "$ref" in each else [])
    # How many schemas apply to one value, this one and all that it leads to.
    applied: dict[str, int] = {}
    for start in edges:
        trail: list[tuple[str, bool]] = [(start, False)]
        on_trail: set[str] = set()
        while trail:
            here, left = trail.pop()
            if left:
                on_trail.discard(here)
                applied[here] = 1 + sum(applied.get(target, 1) for target in edges.get(here, ()))
                if applied[here] > MOST_APPLIED:
                    raise ContractFault(name, here, f"applies {MOST_APPLIED} schemas to one value")
            elif here in on_trail:
                raise ContractFault(name, here, "refers to itself without end")
            elif here not in applied:
                on_trail.add(here)
                trail.append((here, True))
                trail += [(target, False) for target in edges.get(here, ())]
