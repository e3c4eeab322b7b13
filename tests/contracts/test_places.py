"""From a JSON pointer to the line that a person opens."""

import pytest

from bitacora.contracts.places import keys_twice, line_of

TEXT = b"""{
  "title": "a \\"quoted\\" {brace}",
  "a/b": {"~": [1,
    {"deep": true}, []]},

  "last": {}
}"""


@pytest.mark.parametrize(
    ("pointer", "line"),
    [("", 1), ("/title", 2), ("/a~1b", 3), ("/a~1b/~0", 3), ("/a~1b/~0/1/deep", 4), ("/last", 6)],
)
def test_the_line_of_what_a_pointer_leads_to(pointer: str, line: int) -> None:
    assert line_of(TEXT, pointer) == line


def test_what_is_not_there_is_near_what_is_around_it() -> None:
    assert line_of(TEXT, "/a~1b/~0/1/gone/further") == 4
    assert line_of(TEXT, "/gone") == 1


@pytest.mark.parametrize("text", [b"", b"{", b'{"a"', b'{"a": [', b"\xff", b"[" * 100_000])
def test_no_json_has_no_lines(text: bytes) -> None:
    assert line_of(text, "/a/b") in (None, 1)
    assert keys_twice(text) == []


def test_keys_that_stand_twice() -> None:
    text = b'{"a": {"b": 1,\n"b": 2},\n"a": [{"c": 1,\n"c": 2}], "d": 1}'
    assert sorted(keys_twice(text)) == [("/a", 3), ("/a/0/c", 4), ("/a/b", 2)]
    assert keys_twice(b'{"a": 1, "b": {"a": 1}}') == []
