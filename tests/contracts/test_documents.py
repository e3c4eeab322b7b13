"""A schema is read with care: what is wrong with it is told by place, nothing is fetched."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bitacora.contracts.documents import ContractFault, Document, load_document

TEXT = {"type": "string"}


def file(folder: Path, content: Any, name: str = "v1.json") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


@pytest.mark.parametrize(
    ("content", "line", "pointer", "said"),
    [
        (b"", None, "", "is empty"),
        (b" \n", None, "", "is empty"),
        (b'{"type":\n "string",}', 2, "", "is no JSON"),
        (b"\xff\xfe", None, "", "is no UTF-8 text: byte 0"),
        (b'{"type": "string", "type": "null"}', None, "", 'the key "type" twice'),
        (b'{"minimum": NaN}', None, "", "NaN is no JSON"),
        (b'{"maximum": 1e999}', None, "", "1e999 is too large"),
        (b"[" * 100_000, None, "", "nested too deeply"),
        (b"null", None, "", "is no schema"),
        (b"7", None, "", "is no schema"),
        (b"[]", None, "", "is no schema"),
        ({"type": "text"}, None, "/type", "is no valid schema"),
        ({"properties": {"a/b": {"minLength": -1}}}, None, "/properties/a~1b/minLength", "minimum"),
        ({"items": {"pattern": "("}}, None, "/items/pattern", "no regular expression"),
        ({"patternProperties": {"[": True}}, None, "/patternProperties/[", "no regular expression"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, None, "/$schema", "draft-07"),
        ({"$dynamicRef": "#x"}, None, "", "not followed"),
        ({"items": {"$ref": "#/$defs/no"}}, None, "/items/$ref", "nothing stands there"),
        ({"$ref": "#no"}, None, "/$ref", "nothing has that name"),
        ({"$ref": "https://example.com/s.json"}, None, "/$ref", "nothing is ever fetched"),
        ({"$ref": "urn:bitacora:type:no:v1"}, None, "/$ref", "there is no such schema"),
        ({"$ref": "../outside.json"}, None, "/$ref", "there is no such schema"),
        ({"$ref": "#"}, None, "", "refers to itself without end"),
        ({"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, None, "/$defs/a", "without end"),
        (b'{"description": "' + b"x" * 5_000_000 + b'"}', None, "", "has 4.8 MiB"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, content: Any, line: int | None, pointer: str, said: str
) -> None:
    path = file(tmp_path, content)
    with pytest.raises(ContractFault) as refused:
        load_document(path)
    fault = refused.value
    assert (fault.where, fault.line) == (str(path), line)
    assert fault.pointer.startswith(pointer)
    assert said in fault.what


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.json", "cannot be read"), (tmp_path, "is a folder")):
        with pytest.raises(ContractFault, match=said):
            load_document(path)


def test_files_beside_each_other_become_one_document(tmp_path: Path) -> None:
    (tmp_path / "types").mkdir()
    file(tmp_path, {"$ref": "#/$defs/text", "$defs": {"text": TEXT}}, "types/name.json")
    schema = {"properties": {"a": {"$ref": "types/name.json"}, "b": {"$ref": "#/properties/a"}}}
    document = load_document(file(tmp_path, schema))
    judge = Draft202012Validator(document.schema)
    assert judge.is_valid({"a": "x", "b": "y"})
    assert not judge.is_valid({"b": 1})


@pytest.mark.parametrize(
    "schema",
    [
        {"$id": "urn:x", "$ref": "#/$defs/a", "$defs": {"a": TEXT}},
        {"$ref": "#name", "$defs": {"a": {"$anchor": "name", **TEXT}}},
        {"$id": "https://example.com/s", "$ref": "t", "$defs": {"a": {"$id": "t", **TEXT}}},
        {"$ref": "#/$defs/a~1b", "$defs": {"a/b": TEXT}},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": TEXT}},
    ],
)
def test_every_kind_of_local_reference_is_followed(schema: Any) -> None:
    judge = Draft202012Validator(Document.of(schema).schema)
    assert judge.is_valid("text")
    assert not judge.is_valid(1)


def test_what_only_looks_like_a_reference_stays(tmp_path: Path) -> None:
    schema = {"const": {"$ref": "nowhere"}, "examples": [{"$ref": "#/no"}]}
    assert Draft202012Validator(load_document(file(tmp_path, schema)).schema).is_valid(
        {"$ref": "nowhere"}
    )
