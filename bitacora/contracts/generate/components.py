"""Schemas of contracts/ inside another document, so that it stands alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bitacora.contracts.folder import Version
from bitacora.contracts.generate.language import Language, Schema
from bitacora.contracts.keywords import rebuilt

_PLACE = "#/components/schemas/"
# The document has its own dialect, and a schema in it no address of its own.
_OF_A_FILE = {"$schema", "$id"}
Dialect = Callable[[Schema, Version], Schema]


class Components:
    """The schemas under #/components/schemas of one document: what was asked for, and its types.

    `dialect` says a schema without its inner ones in the words of the document.
    """

    def __init__(self, language: Language, dialect: Dialect = lambda schema, _: schema) -> None:
        self._language, self._dialect = language, dialect
        self._versions: dict[str, Version] = {}
        self.schemas: dict[str, Any] = {}

    def ref(self, version: Version) -> dict[str, str]:
        """A reference to the version, which the document holds from now on."""
        return {"$ref": self._place(version)}

    def _place(self, version: Version) -> str:
        key = f"{self._language.title(version)}.v{version.number}"
        if self._versions.setdefault(key, version) != version:
            raise version.fault("/title", f"is the title of {self._versions[key].file} as well")
        if key not in self.schemas:
            self.schemas[key] = {}
            self.schemas[key] = self._said(self._language.schemas[version], version)
        return _PLACE + key

    def _said(self, schema: Any, base: Version) -> Any:
        if not isinstance(schema, dict):
            return schema
        kept = {key: value for key, value in schema.items() if key not in _OF_A_FILE}
        made = rebuilt(kept, lambda _, below: self._said(below, base))
        if "$ref" in made:
            _, version, pointer = self._language.resolve(made["$ref"], base)
            made["$ref"] = self._place(version) + pointer
        return self._dialect(made, base)


def as_text(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
