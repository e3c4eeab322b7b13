"""Python types: a frozen msgspec struct for the newest version of each event of one folder.

The text is what `ruff format` would make of it, so that it needs no formatter.
"""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bitacora.contracts.folder import Version
from bitacora.contracts.generate.language import PROJECT, Language, Module, Schema
from bitacora.contracts.generate.versions import oldest_reader
from bitacora.contracts.lint.agreement import PERSONAL

GENERATED = "Generated from contracts/ by `bitacora contracts generate`; do not edit."
WIDTH = 100
SEALED = "Sealed"
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def python_module(language: Language, module: Module) -> str:
    """The module's text. Raises ContractFault for a schema that has no Python type."""
    histories = language.of_module(module)
    types = _Types(language, module.imports)
    newest = [history[-1] for history in histories]
    events = [types.struct(language.schemas[version], version, "") for version in newest]
    aliases = [_alias(name, values) for name, values in types.literals.items()]
    versions = {_quoted(language.title(each)): str(each.number) for each in newest}
    readers = {
        f"({_quoted(language.title(version))}, {version.number})": str(oldest)
        for history in histories
        for version in history
        if (oldest := oldest_reader(language.folder, version)) < version.number
    }
    body = [
        "\n".join(aliases),
        *(f"\n{struct}" for struct in types.structs.values()),
        "\n" + _union("Event", events),
        "# The newest version of each event's contract.\n"
        + _dictionary("VERSIONS: dict[str, int]", versions),
        "# The oldest version whose readers read an event of this version, if older than itself.\n"
        + _dictionary("OLDEST_READERS: dict[tuple[str, int], int]", readers),
    ]
    text = "\n\n".join(part for part in body if part)
    return f"{_head(module.summary, types.imported, text)}\n\n{text}\n"


class _Shape(NamedTuple):
    """A type as an annotation says it; `nullable` stands apart, for a `$ref` may take it away."""

    annotation: str
    nullable: bool

    def __str__(self) -> str:
        return f"{self.annotation} | None" if self.nullable else self.annotation


class _Types:
    """The types that a module needs, each once, every one after those that it names."""

    def __init__(self, language: Language, importable: Mapping[str, str]) -> None:
        self._language, self._importable = language, importable
        self._origins: dict[str, Schema] = {}
        self.imported: dict[str, str] = {}
        self.literals: dict[str, Sequence[Any]] = {}
        self.structs: dict[str, str] = {}

    def struct(self, schema: Schema, base: Version, pointer: str) -> str:
        """The name of the class of an object; the class itself is written at the first use."""
        name = self._name(schema, base, pointer)
        if name in self._importable:
            self.imported[name] = self._importable[name]
        elif self._is_new(name, schema, base, pointer):
            text = self._class(name, schema, base, pointer)
            self.structs[name] = text
        return name

    def _class(self, name: str, schema: Schema, base: Version, pointer: str) -> str:
        properties, required = schema.get("properties", {}), schema.get("required", ())
        # Frozen and made of JSON, it can't lead back to itself: nothing for the garbage collector.
        bases = ["msgspec.Struct", "frozen=True", "kw_only=True", "gc=False"]
        if properties.keys() - set(required):
            bases.append("omit_defaults=True")
        lines = [_class_line(name, bases)]
        lines += _docstring(schema.get("description", f"{name}."))
        for key, node in properties.items():
            where = f"{pointer}/properties/{key}"
            if not _is_name(key):
                raise base.fault(where, "is no name for a Python attribute")
            shape = self._shape(node, base, where)
            if node.get(PERSONAL):
                shape = _Shape(f"{shape.annotation} | {self._sealed(base, where)}", shape.nullable)
            if key not in required:
                shape = _Shape(f"{shape.annotation} | None = None", False)
            lines += ["", f"    {key}: {shape}"]
            lines += _docstring(node["description"]) if "description" in node else []
        return "\n".join(lines)

    def _sealed(self, base: Version, pointer: str) -> str:
        """The type that stands for what is personal while it is stored."""
        if SEALED not in self._importable:
            raise base.fault(pointer, f"is personal: {PROJECT} says no import of {SEALED}")
        self.imported[SEALED] = self._importable[SEALED]
        return SEALED

    def _shape(self, node: Schema, base: Version, pointer: str) -> _Shape:
        kinds = _kinds(node)
        if "$ref" in node:
            shape = self._shape(*self._language.resolve(node["$ref"], base))
            return _Shape(shape.annotation, shape.nullable and "null" in (kinds or ("null",)))
        if alternatives := node.get("anyOf") or node.get("oneOf"):
            return self._either(alternatives, base, pointer)
        if "const" in node:
            return _Shape(f"Literal[{_constant(node['const'])}]", False)
        if "enum" in node:
            nullable = None in node["enum"] and "null" in (kinds or ("null",))
            return _Shape(self._literal(node, base, pointer), nullable)
        match [kind for kind in kinds if kind != "null"]:
            case ["array"]:
                items = self._shape(node.get("items", {}), base, f"{pointer}/items")
                annotation = f"tuple[{items}, ...]"
            case ["object"]:
                annotation = self.struct(node, base, pointer)
            case [scalar]:
                annotation = _SCALARS[scalar]
            case _:
                raise base.fault(pointer, "has not one type, so no Python type either")
        return _Shape(annotation, "null" in kinds)

    def _either(self, alternatives: Sequence[Schema], base: Version, pointer: str) -> _Shape:
        shown = [node for node in alternatives if node.get("type") != "null"]
        if len(shown) != 1:
            raise base.fault(pointer, "is a choice; there is no Python type for it")
        shape = self._shape(shown[0], base, pointer)
        return _Shape(shape.annotation, shape.nullable or len(shown) < len(alternatives))

    def _literal(self, node: Schema, base: Version, pointer: str) -> str:
        name = self._name(node, base, pointer)
        if self._is_new(name, node, base, pointer):
            self.literals[name] = [value for value in node["enum"] if value is not None]
        return name

    def _name(self, node: Schema, base: Version, pointer: str) -> str:
        name = str(node.get("title", ""))
        if not _is_name(name):
            raise base.fault(pointer, "needs a title that can name a Python type")
        return name

    def _is_new(self, name: str, node: Schema, base: Version, pointer: str) -> bool:
        if name not in self._origins:
            self._origins[name] = node
            return True
        if not _same_type(self._origins[name], node):
            raise base.fault(pointer, f"is another {name} than one before it")
        return False


def _kinds(node: Schema) -> tuple[str, ...]:
    kinds = node.get("type", ())
    return (kinds,) if isinstance(kinds, str) else tuple(kinds)


def _same_type(one: Schema, other: Schema) -> bool:
    return {**one, "description": ""} == {**other, "description": ""}


def _is_name(text: str) -> bool:
    return text.isidentifier() and not keyword.iskeyword(text)


def _head(summary: str, imported: Mapping[str, str], body: str) -> str:
    typing = "Literal, TypeAlias" if "Literal[" in body else "TypeAlias"
    lines = [f'"""{summary}', "", GENERATED, '"""', "", "from __future__ import annotations"]
    lines += ["", f"from typing import {typing}", "", "import msgspec"]
    lines += [""] if imported else []
    for source in sorted(set(imported.values())):
        names = sorted(name for name in imported if imported[name] == source)
        lines.append(f"from {source} import {', '.join(names)}")
    return "\n".join(lines)


def _class_line(name: str, bases: Sequence[str]) -> str:
    line = f"class {name}({', '.join(bases)}):"
    return line if len(line) <= WIDTH else f"class {name}(\n    {', '.join(bases)}\n):"


def _docstring(text: str) -> list[str]:
    """The lines of a docstring, indented once."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    line = f'    """{safe}"""'
    if len(line) <= WIDTH and not safe.endswith('"'):
        return [line]
    wrapped = textwrap.wrap(
        f'"""{safe}',
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*wrapped, '    """']


def _alias(name: str, values: Sequence[Any]) -> str:
    constants = [_constant(value) for value in values]
    line = f"{name}: TypeAlias = Literal[{', '.join(constants)}]"
    if len(line) <= WIDTH:
        return line
    rows = "".join(f"    {constant},\n" for constant in constants)
    return f"{name}: TypeAlias = Literal[\n{rows}]"


def _union(name: str, members: Sequence[str]) -> str:
    line = f"{name}: TypeAlias = {' | '.join(members)}"
    if len(line) <= WIDTH:
        return line
    inside = f"    {' | '.join(members)}"
    if len(inside) > WIDTH:
        inside = "    " + "\n    | ".join(members)
    return f"{name}: TypeAlias = (\n{inside}\n)"


def _dictionary(declaration: str, entries: Mapping[str, str]) -> str:
    rows = "".join(f"    {key}: {value},\n" for key, value in entries.items())
    return f"{declaration} = {{\n{rows}}}" if rows else f"{declaration} = {{}}"


def _constant(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    """A Python string literal as ruff writes it: in double quotes unless that costs escapes."""
    single = repr(text)
    if single.startswith('"') or '"' in text:
        return single
    return f'"{single[1:-1]}"'
