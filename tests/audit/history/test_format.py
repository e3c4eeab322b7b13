"""The schema and the checker's own decoder accept the same lines."""

import json
import re
from io import BytesIO
from math import nan
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitacora.audit import history
from bitacora.audit.history import Append, Read, Seen, Stored, check
from bitacora.audit.history.malformed import Malformed
from bitacora.audit.history.reading import decode

SCHEMA = json.loads((Path(history.__file__).parent / "schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = sorted((Path(__file__).parent / "labelled").glob("*.jsonl"))

# Times that can't be the wrong way round: that is beyond what a schema can say.
TIMES = {"invoked": st.sampled_from([0, -1, 0.5]), "returned": st.sampled_from([0.5, 1, 1e9])}
NAMES = st.sampled_from(["a", "order-1", "€"])
VERSIONS = st.sampled_from([0, 1, 3, 2**53 - 1])
ODD = st.sampled_from([None, "", "x", "conflict", 0, -1, 1, 2**53, 0.5, True, [], [1], {}])
LINES = st.one_of(
    st.fixed_dictionaries(
        {"op": st.just("append"), "client": NAMES, "stream": NAMES, "command": NAMES, **TIMES}
        | {"outcome": st.sampled_from(["ok", "failed", "unknown"])},
        optional={"version": VERSIONS, "count": VERSIONS, "expected": VERSIONS, "reason": ODD},
    ),
    st.fixed_dictionaries(
        {"op": st.just("read"), "client": NAMES, "stream": NAMES, **TIMES}
        | {"outcome": st.sampled_from(["ok", "failed", "unknown"])},
        optional={"version": VERSIONS, "token": VERSIONS, "where": NAMES}
        | {"consistency": st.sampled_from(["strong", "eventual", "weak"])},
    ),
    st.fixed_dictionaries(
        {"op": st.just("stored"), "stream": NAMES, "commit": VERSIONS, "first": st.just(1)}
        | {"count": st.just(3)},
        optional={"command": NAMES, "published": st.lists(st.integers(1, 3), max_size=3)},
    ),
    st.fixed_dictionaries(
        {"op": st.just("seen"), "where": NAMES, "stream": NAMES, "version": VERSIONS},
        optional={"event": NAMES},
    ),
)


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    """A line that is right, or has one field too few, too many or of another kind."""
    line = draw(LINES)
    match draw(st.sampled_from(["as it is", "too few", "too many", "odd"])):
        case "too few":
            line.pop(draw(st.sampled_from(sorted(line))))
        case "too many":
            line[draw(st.sampled_from(["more", "events", "token", "event"]))] = 1
        case "odd":
            line[draw(st.sampled_from(sorted(line)))] = draw(ODD)
    return line


def refusal(line: dict[str, Any]) -> str | None:
    try:
        check(decode(BytesIO(json.dumps(line).encode())))
    except Malformed as refused:
        return refused.what
    return None


# A schema compares no field with another.
BEYOND_A_SCHEMA = re.compile(r'"published" names|It returned \(.+\) before it was invoked')


@given(line=lines())
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_the_decoder_accepts_what_the_schema_accepts(line: dict[str, Any]) -> None:
    refused = refusal(line)
    if refused and BEYOND_A_SCHEMA.match(refused):
        return  # the schema may refuse it for another reason, or take it

    assert VALIDATOR.is_valid(line) == (refused is None), refused


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_labelled_line_is_one(path: Path) -> None:
    for line in path.read_text().splitlines():
        VALIDATOR.validate(json.loads(line))


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (
            Append(client="c", stream="s", command="k", invoked=2, returned=1, outcome="unknown"),
            "It returned (1) before it was invoked (2).",
        ),
        (
            Read(client="c", stream="s", invoked=nan, returned=1, outcome="ok", version=1),
            "It returned (1) before it was invoked (nan).",
        ),
        (
            Read(client="c", stream="s", invoked=0, returned=nan, outcome="failed"),
            "It returned (nan) before it was invoked (0).",
        ),
        (
            Stored(stream="s", commit=1, first=1, count=2, published=(3,)),
            '"published" names a version outside of 1 to 2.',
        ),
        (Seen(where="ledger", stream="s", version=0, event="e"), "No event has version 0."),
    ],
)
def test_what_can_not_stand_together_is_refused_with_its_place(operation, says: str) -> None:
    first = Stored(stream="other", commit=1, first=1, count=1)

    with pytest.raises(Malformed) as refused:
        check([first, operation])

    assert (refused.value.what, refused.value.line) == (says, 2)
