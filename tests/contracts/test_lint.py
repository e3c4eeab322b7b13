"""Each rule of contracts/ finds the fault that was planted, at its place, and no other."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitacora.contracts.folder import Folder
from bitacora.contracts.keywords import pointer_of
from bitacora.contracts.lint import RULES, lint, rule_id
from reference_service.schemas import CONTRACTS
from tests.contracts.planted import CANCELLED, PLACED, PUBLIC, Contracts, places

V1, V3 = f"{CANCELLED}/v1.json", f"{PLACED}/v3.json"
LINE = "/properties/lines/items/properties"
WHOLE = ""

Plant = Callable[[Contracts], None]


def put(file: str, pointer: str, value: object) -> Plant:
    return lambda contracts: contracts.put(file, pointer, value)


def drop(file: str, pointer: str) -> Plant:
    return lambda contracts: contracts.drop(file, pointer)


def text(file: str, content: bytes) -> Plant:
    return lambda contracts: contracts.write(file, content)


def gone(file: str) -> Plant:
    return lambda contracts: (contracts.root / file).unlink()


def example(form: str, folder: str = CANCELLED, number: int = 1) -> str:
    return f"{folder}/examples/v{number}-{form}.json"


def versions_one_and_three(contracts: Contracts) -> None:
    contracts.next_version(CANCELLED, 2)
    contracts.next_version(CANCELLED, 3)
    for file in (f"{CANCELLED}/v2.json", *(example(form, number=2) for form in FORMS)):
        (contracts.root / file).unlink()


FORMS = ("minimal", "full", "bad")
FAULTS: list[tuple[str, Plant, str, str, str]] = [
    # rule, what is planted, file and pointer of the finding, a word of its sentence
    (
        "readable",
        text("types/money/v2.json", b" " * 5_000_000),
        "types/money/v2.json",
        "",
        "4.8 MiB",
    ),
    ("json", text(V1, b'{"title":\n oops}'), V1, "", "is no JSON"),
    ("json", text(V1, b""), V1, "", "is empty"),
    ("json", text(V1, b"\x00\xff\xfe"), V1, "", "no UTF-8"),
    ("json", text(V1, b'{"const": NaN}'), V1, "", "NaN"),
    ("json", text(V1, b"1" * 5_000), V1, "", "too many digits"),
    ("json", text(V1, b"[" * 100_000), V1, "", "nested too deeply"),
    ("key-once", text("topology.json", b'{"A": 1,\n "A": 2}'), "topology.json", "/A", "twice"),
    ("known-file", text("notes.txt", b"x"), "notes.txt", "", "no contract"),
    (
        "known-file",
        text(f"{CANCELLED}/examples/v2-full.json", b"{}"),
        example("full", number=2),
        "",
        "",
    ),
    ("valid-schema", text(V1, b"null"), V1, "", "JSON object"),
    ("valid-schema", text(V1, b"3"), V1, "", "JSON object"),
    ("valid-schema", put(V1, "/properties/reason/title", "\ud800"), V1, "", "half of a character"),
    (
        "valid-schema",
        put(V1, "/properties/reason/type", "strin"),
        V1,
        "/properties/reason/type",
        "",
    ),
    ("valid-schema", put(V3, f"{LINE}/sku/pattern", "(["), V3, f"{LINE}/sku/pattern", "regular"),
    (
        "identity",
        put(V1, "/$id", "urn:bitacora:event:internal:order_cancelled:v2"),
        V1,
        "/$id",
        ":v1",
    ),
    ("identity", drop(V1, "/$id"), V1, "", "missing"),
    ("identity", drop(V1, "/$schema"), V1, "", "missing"),
    ("title", put(V1, "/title", "Cancelled"), V1, "/title", "OrderCancelled"),
    ("description", drop(V3, f"{LINE}/sku/description"), V3, f"{LINE}/sku", "no description"),
    ("description", put(V1, "/description", " "), V1, "", "no description"),
    ("own-title", drop(V3, "/properties/lines/items/title"), V3, "/properties/lines/items", "type"),
    ("own-title", drop(V1, "/properties/reason/title"), V1, "/properties/reason", "type"),
    ("limits", drop(V3, f"{LINE}/sku/pattern"), V3, f"{LINE}/sku", "text without a limit"),
    ("limits", put(V3, f"{LINE}/sku/pattern", "^[a-zA-Z0-9-]+$"), V3, f"{LINE}/sku", "text"),
    ("limits", put(V3, f"{LINE}/sku/pattern", "[a-zA-Z]"), V3, f"{LINE}/sku", "text"),
    ("limits", put(V3, f"{LINE}/sku/pattern", "^A|[a-z0-9-]{1,32}$"), V3, f"{LINE}/sku", "text"),
    ("limits", drop(V3, f"{LINE}/quantity/minimum"), V3, f"{LINE}/quantity", "least"),
    ("limits", drop(V3, f"{LINE}/quantity/maximum"), V3, f"{LINE}/quantity", "greatest"),
    ("limits", drop(V3, "/properties/lines/minItems"), V3, "/properties/lines", "minItems"),
    ("limits", drop(V3, "/properties/lines/maxItems"), V3, "/properties/lines", "maxItems"),
    (
        "limits",
        drop("types/money/v1.json", "/properties/amount/maximum"),
        "types/money/v1.json",
        "/properties/amount",
        "greatest",
    ),
    ("closed", drop(V3, "/additionalProperties"), V3, "", "open"),
    (
        "closed",
        drop(V3, "/properties/lines/items/additionalProperties"),
        V3,
        "/properties/lines/items",
        "open",
    ),
    ("required-known", put(V1, "/required", ["reason", "reasons"]), V1, "/required/1", "reasons"),
    ("keywords", put(V1, "/not", {"const": 1, "description": "No."}), V1, "/not", "subset"),
    (
        "keywords",
        put(V1, "/properties/reason/contentEncoding", "base64"),
        V1,
        "/properties/reason/contentEncoding",
        "subset",
    ),
    (
        "keywords",
        put(V3, f"{LINE}/quantity/multipleOf", 0.5),
        V3,
        f"{LINE}/quantity/multipleOf",
        "integer",
    ),
    (
        "types",
        put(V3, f"{LINE}/quantity/type", ["integer", "boolean"]),
        V3,
        f"{LINE}/quantity/type",
        "integer, boolean",
    ),
    ("formats", put(V3, f"{LINE}/sku/format", "hostname"), V3, f"{LINE}/sku/format", "hostname"),
    (
        "patterns",
        put(V3, f"{LINE}/sku/pattern", r"^[\w-]{1,64}$"),
        V3,
        f"{LINE}/sku/pattern",
        r"\w",
    ),
    ("patterns", put(V3, f"{LINE}/sku/pattern", "^.{1,64}$"), V3, f"{LINE}/sku/pattern", "dot"),
    (
        "patterns",
        put(V3, f"{LINE}/sku/pattern", "^(?!x)[a-zA-Z0-9-]{1,64}$"),
        V3,
        f"{LINE}/sku/pattern",
        "looks around",
    ),
    (
        "reference",
        put(V3, "/properties/total/$ref", "urn:bitacora:type:money:v7"),
        V3,
        "/properties/total/$ref",
        "leads nowhere",
    ),
    (
        "reference",
        put(V3, "/properties/total/$ref", "#/$defs/money"),
        V3,
        "/properties/total/$ref",
        "leads nowhere",
    ),
    (
        "reference",
        put(V3, "/properties/total/$ref", "https://example.com/money.json"),
        V3,
        "/properties/total/$ref",
        "nothing is ever fetched",
    ),
    (
        "reference",
        put(V3, "/properties/total/$ref", "file:///etc/passwd"),
        V3,
        "/properties/total/$ref",
        "leads nowhere",
    ),
    ("example-there", gone(example("minimal")), V1, "", "minimal"),
    ("example-there", gone(example("full")), V1, "", "full"),
    ("example-there", gone(example("bad")), V1, "", "bad"),
    ("example-valid", put(example("full"), "/reason", "bored"), example("full"), "/reason", "enum"),
    ("example-valid", put(example("full"), "/mood", "sad"), example("full"), "/mood", "additional"),
    ("bad-form", text(example("bad"), b"{}"), example("bad"), "", "at least 2"),
    ("bad-form", drop(example("bad"), "/0/reason"), example("bad"), "/0", "reason"),
    (
        "bad-reason",
        put(example("bad"), "/0/data", {"reason": "other"}),
        example("bad"),
        "/0",
        "is accepted",
    ),
    ("bad-reason", put(example("bad"), "/0/keyword", "maxLength"), example("bad"), "/0", "states"),
    ("bad-reason", put(example("bad"), "/0/pointer", "/mood"), example("bad"), "/0", "states"),
    (
        "full-shows-all",
        put(example("full", PLACED, 3), "/delivery", None),
        example("full", PLACED, 3),
        "",
        "/delivery/",
    ),
    (
        "full-shows-all",
        drop(example("full", PUBLIC, 2), "/total"),
        example("full", PUBLIC, 2),
        "",
        "/total",
    ),
    (
        "minimal-shows-required",
        put(example("minimal", PUBLIC, 2), "/total", {"amount": 1, "currency": "EUR"}),
        example("minimal", PUBLIC, 2),
        "/total",
        "not required",
    ),
    (
        "personal",
        put(f"{PUBLIC}/v2.json", "/properties/customer_id/x-personal", True),
        f"{PUBLIC}/v2.json",
        "/properties/customer_id",
        "public",
    ),
    (
        "personal",
        put(f"{PUBLIC}/v2.json", "/properties/total/$ref", "urn:bitacora:type:delivery:v1"),
        f"{PUBLIC}/v2.json",
        "/properties/total/$ref",
        "personal data of an internal event",
    ),
    ("personal", put(V3, "/properties/total/x-personal", True), V3, "/properties/total", "too"),
    ("personal", put(V1, "/properties/reason/x-personal", True), V1, "/properties/reason", "null"),
    (
        "personal",
        put("types/money/v1.json", "/properties/amount/x-personal", True),
        "types/money/v1.json",
        "/properties/amount",
        "inside a type",
    ),
    ("upcast", put(V1, "/x-upcast", "Nothing."), V1, "/x-upcast", "version 1"),
    ("upcast", put(V3, "/x-upcast", ""), V3, "/x-upcast", "does not say"),
    (
        "upcast",
        put(V3, "/properties/total/x-upcast", "So."),
        V3,
        "/properties/total/x-upcast",
        "as a whole",
    ),
    (
        "upcast",
        put(f"{PUBLIC}/v2.json", "/x-upcast", "So."),
        f"{PUBLIC}/v2.json",
        "/x-upcast",
        "never upcast",
    ),
    ("topology", drop("topology.json", "/OrderConfirmed"), "topology.json", "", "order_confirmed"),
    ("topology", gone("topology.json"), "topology.json", "", "missing"),
    (
        "topology",
        put("topology.json", "/OrderConfirmed/consumers", []),
        "topology.json",
        "/OrderConfirmed/consumers",
        "somebody reads it",
    ),
    (
        "envelope",
        put("topology.json", "/OrderConfirmed/source", "Orders!"),
        "topology.json",
        "/OrderConfirmed/source",
        "does not accept",
    ),
    ("compatibility", gone("compatibility.json"), "compatibility.json", "", "missing"),
    (
        "compatibility",
        put("compatibility.json", "/envelope", "SOMETIMES"),
        "compatibility.json",
        "/envelope",
        "no mode",
    ),
    (
        "compatibility",
        drop("compatibility.json", "/envelope"),
        "compatibility.json",
        "",
        "envelope",
    ),
    (
        "compatibility",
        put("compatibility.json", "/things", "FULL"),
        "compatibility.json",
        "/things",
        "no schema",
    ),
    ("version-gap", versions_one_and_three, f"{CANCELLED}/v3.json", "", "v2 is missing"),
    (
        "lock-line",
        text("released.lock", b"12  types/money/v1.json\n"),
        "released.lock",
        "",
        "SHA-256",
    ),
]
# A fault that hides the schema hides its examples' faults and orphans what named it.
FOLLOWING = {"envelope", "topology", "example-valid", "bad-reason", "full-shows-all", "description"}


def test_contracts_keep_every_rule() -> None:
    assert lint(Folder.read(CONTRACTS)) == []


def test_every_rule_is_tried_here() -> None:
    tried = {rule for rule, *_ in FAULTS} | {"recursion", "tagged-branches", "released-unchanged"}
    assert tried == {rule_id(rule) for rule in RULES}


@pytest.mark.parametrize(("rule", "plant", "file", "pointer", "word"), FAULTS)
def test_a_planted_fault_is_named_at_its_place(
    contracts: Contracts, rule: str, plant: Plant, file: str, pointer: str, word: str
) -> None:
    plant(contracts)
    findings = contracts.findings
    assert (rule, file, pointer) in places(findings)
    found = next(each for each in findings if (each.rule, each.pointer) == (rule, pointer))
    assert word in found.what
    assert found.remedy
    assert {each.rule for each in findings} - FOLLOWING <= {rule}


def test_a_released_file_that_changed_or_vanished_is_named(contracts: Contracts) -> None:
    contracts.release()
    contracts.put(V1, "/description", "Other words.")
    (contracts.root / "types/balance/v1.json").unlink()
    findings = contracts.findings
    assert places(findings) == [
        ("released-unchanged", V1, ""),
        ("released-unchanged", "types/balance/v1.json", ""),
    ]
    assert "bitacora contracts draft internal/order_cancelled" in findings[0].remedy
    assert "vanished" in findings[1].what


def test_a_fault_of_the_text_is_told_with_its_line(contracts: Contracts) -> None:
    contracts.write(V1, b'{"title":\n oops}')
    contracts.write("topology.json", b'{"A": 1,\n "A": 2}')
    told = {found.file: found.line for found in contracts.findings if found.line}
    assert told == {V1: 2, "topology.json": 2}


def test_a_schema_that_contains_itself_is_named_where_it_comes_back(contracts: Contracts) -> None:
    contracts.put(V3, "/properties/lines/items/properties/sku", {
        "title": "Part", "description": "A part of parts.", "$ref": "#/properties/lines/items",
    })  # fmt: skip
    found = {(found.rule, found.pointer) for found in contracts.findings if found.file == V3}
    assert ("recursion", "/properties/lines/items/properties/sku/$ref") in found


def alternative(kind: str, tag: str) -> dict[str, Any]:
    return {
        "title": kind.capitalize(),
        "description": f"By {kind}.",
        "type": "object",
        "required": ["kind"],
        "properties": {"kind": {"description": "Which.", "const": tag}},
        "additionalProperties": False,
    }


def test_alternatives_carry_a_tag(contracts: Contracts) -> None:
    how = {"description": "How it is paid back.", "oneOf": [alternative("card", "card")]}
    how["oneOf"].append(alternative("cash", "cash"))
    contracts.put(V1, "/properties/how", how)
    contracts.put(f"{CANCELLED}/examples/v1-full.json", "/how", {"kind": "cash"})
    assert contracts.findings == []
    how["oneOf"].append(alternative("voucher", "cash"))
    contracts.put(V1, "/properties/how", how)
    assert ("tagged-branches", V1, "/properties/how/oneOf") in places(contracts.findings)


def test_the_full_example_shows_every_field_of_the_alternative_it_shows(
    contracts: Contracts,
) -> None:
    card = alternative("card", "card")
    card["properties"]["digits"] = {"description": "Last four.", "type": "string", "maxLength": 4}
    how = {"description": "How.", "oneOf": [card, alternative("cash", "cash")]}
    contracts.put(V1, "/properties/how", how)
    contracts.put(f"{CANCELLED}/examples/v1-full.json", "/how", {"kind": "card"})
    found = contracts.findings
    assert places(found) == [("full-shows-all", f"{CANCELLED}/examples/v1-full.json", "")]
    assert "/how/digits" in found[0].what


def test_a_type_that_leads_to_personal_data_is_personal_too(contracts: Contracts) -> None:
    contracts.write("types/parcel/v1.json", {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:bitacora:type:parcel:v1",
        "title": "Parcel",
        "description": "What is sent, and where.",
        "type": "object",
        "properties": {"to": {"description": "Where.", "$ref": "urn:bitacora:type:delivery:v1"}},
        "additionalProperties": False,
    })  # fmt: skip
    parcel = {"description": "The parcel.", "$ref": "urn:bitacora:type:parcel:v1"}
    contracts.put(f"{PUBLIC}/v2.json", "/properties/parcel", parcel)
    place = ("personal", f"{PUBLIC}/v2.json", "/properties/parcel/$ref")
    assert place in places(contracts.findings)


def test_personal_data_that_cannot_be_erased_is_refused(contracts: Contracts) -> None:
    contracts.put(V3, "/properties/delivery/type", "object")
    assert ("personal", V3, "/properties/delivery") in places(contracts.findings)


JUNK = st.sampled_from(
    [
        None,
        True,
        0,
        -1.5,
        "",
        "#",
        "\ud800",
        "https://example.com",
        [],
        [{}],
        [[]],
        {},
        {"$ref": "#"},
    ]
)


def inner(value: Any, path: tuple[str, ...] = ()) -> list[str]:
    """Pointers to everything in a JSON value."""
    found = [pointer_of(path)] if path else []
    members = value.items() if isinstance(value, dict) else ()
    for key, below in enumerate(value) if isinstance(value, list) else members:
        found += inner(below, (*path, str(key)))
    return found


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_stands_in_a_file_the_rules_answer(contracts: Contracts, data: Any) -> None:
    """Junk at any place of any file gives findings or none, never a fault of the rules."""
    files = sorted(file for file in contracts.folder.files if file.endswith(".json"))
    file = data.draw(st.sampled_from(files))
    before = (contracts.root / file).read_bytes()
    contracts.put(file, data.draw(st.sampled_from(inner(contracts.read(file)))), data.draw(JUNK))
    try:
        assert all(found.what and found.remedy for found in contracts.findings)
    finally:
        contracts.write(file, before)
