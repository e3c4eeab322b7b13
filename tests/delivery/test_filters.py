"""Event patterns: each rule of AWS's filter syntax, on values that match and values that don't."""

import pytest

from bitacora.delivery.filters import InvalidPattern, parse_pattern, passes

MATCHES = [
    ({"a": ["x"]}, {"a": "x", "b": 1}),
    ({"a": ["x", "y"]}, {"a": "y"}),
    ({"a": [None]}, {"a": None}),
    ({"a": [""]}, {"a": ""}),
    ({"a": [1]}, {"a": 1.0}),
    ({"a": [True]}, {"a": True}),
    ({"a": ["x"]}, {"a": ["w", "x"]}),
    ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}),
    ({"a": {"b": ["x"]}}, {"a": [{"b": "w"}, {"b": "x"}]}),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "y"}),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "w", "b": "y"}),
    ({"a": [{"prefix": "or"}]}, {"a": "order"}),
    ({"a": [{"suffix": "er"}]}, {"a": "order"}),
    ({"a": [{"equals-ignore-case": "ORDER"}]}, {"a": "order"}),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "z"}),
    ({"a": [{"anything-but": "x"}]}, {"a": 5}),
    ({"a": [{"anything-but": {"prefix": "or"}}]}, {"a": "invoice"}),
    ({"a": [{"numeric": ["=", 5]}]}, {"a": 5}),
    ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}),
    ({"a": [{"exists": True}]}, {"a": None}),
    ({"a": [{"exists": False}]}, {"b": 1}),
    ({"a": {"b": [{"exists": False}]}}, {}),
]
MISSES = [
    ({"a": ["x"]}, {"a": "y"}),
    ({"a": ["x"]}, {}),
    ({"a": ["x"]}, "x"),
    ({"a": [None]}, {}),
    ({"a": [1]}, {"a": True}),
    ({"a": [1]}, {"a": "1"}),
    ({"a": {"b": ["x"]}}, {"a": "x"}),
    ({"a": ["x"], "b": ["y"]}, {"a": "x", "b": "z"}),
    ({"$or": [{"a": ["x"]}, {"b": ["y"]}]}, {"a": "w", "b": "z"}),
    ({"a": [{"prefix": "or"}]}, {"a": "for"}),
    ({"a": [{"suffix": "er"}]}, {"a": 5}),
    ({"a": [{"anything-but": ["x", "y"]}]}, {"a": "x"}),
    ({"a": [{"anything-but": "x"}]}, {}),
    ({"a": [{"anything-but": {"prefix": "or"}}]}, {"a": "order"}),
    ({"a": [{"numeric": [">", 0, "<", 5]}]}, {"a": 5}),
    ({"a": [{"numeric": ["=", 5]}]}, {"a": "5"}),
    ({"a": [{"numeric": ["=", 1]}]}, {"a": True}),
    ({"a": [{"exists": True}]}, {"a": {"b": 1}}),
    ({"a": [{"exists": False}]}, {"a": 1}),
]
INVALID = [
    {},
    [],
    "x",
    {"a": "x"},
    {"a": []},
    {"a": [["x"]]},
    {"a": [{"wildcard": "x*"}]},
    {"a": [{"prefix": 5}]},
    {"a": [{"exists": "yes"}]},
    {"a": [{"prefix": "x", "suffix": "y"}]},
    {"a": [{"numeric": ["~", 5]}]},
    {"a": [{"numeric": [">", "5"]}]},
    {"a": [{"numeric": [">"]}]},
    {"a": [{"anything-but": []}]},
    {"$or": [{"a": ["x"]}]},
]


@pytest.mark.parametrize(("pattern", "value"), MATCHES)
def test_a_pattern_matches(pattern: object, value: object) -> None:
    assert parse_pattern(pattern)(value)


@pytest.mark.parametrize(("pattern", "value"), MISSES)
def test_a_pattern_does_not_match(pattern: object, value: object) -> None:
    assert not parse_pattern(pattern)(value)


@pytest.mark.parametrize("pattern", INVALID)
def test_what_is_no_pattern_is_refused(pattern: object) -> None:
    with pytest.raises(InvalidPattern):
        parse_pattern(pattern)


def test_one_of_several_filters_is_enough_and_none_lets_everything_pass() -> None:
    filters = (parse_pattern({"a": ["x"]}), parse_pattern({"a": ["y"]}))
    assert passes(filters, {"a": "y"})
    assert not passes(filters, {"a": "z"})
    assert passes((), {"a": "z"})
