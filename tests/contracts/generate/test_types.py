"""The generated types hold what the contracts say, and read as if a person had formatted them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bitacora.contracts.documents import ContractFault
from tests.contracts.generate.repository import (
    CUSTOMER_EVENTS,
    EVENTS,
    PROJECT,
    PUBLIC_EVENTS,
    Repository,
)

INTERNAL = "events/internal"
RUFF = Path(sys.executable).parent / "ruff"


def described(**schema: Any) -> dict[str, Any]:
    return {"description": "Something.", **schema}


def event(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "title": "OrderArchived",
        "description": "Nobody needs the order any more.",
        "required": list(required),
        "properties": properties,
    }


def archived(repository: Repository, properties: dict[str, Any], *required: str) -> Any:
    """The module with an event of these properties; its type is OrderArchived."""
    repository.new_event(f"{INTERNAL}/order_archived", event(properties, required), {})
    return repository.module(EVENTS)


def again(data: Any, kind: Any) -> Any:
    """JSON → typed → JSON."""
    return msgspec.json.decode(msgspec.json.encode(msgspec.convert(data, kind)))


@pytest.mark.parametrize("visibility", ["internal", "public"])
def test_every_example_becomes_a_typed_event_and_itself_again(
    repository: Repository, visibility: str
) -> None:
    modules = [EVENTS, CUSTOMER_EVENTS] if visibility == "internal" else [PUBLIC_EVENTS]
    kinds = {kind: module for module in map(repository.module, modules) for kind in module.VERSIONS}
    folders = sorted((repository.root / "contracts" / "events" / visibility).iterdir())
    for folder in folders:
        number = repository.newest(f"events/{visibility}/{folder.name}")
        kind = "".join(word.capitalize() for word in folder.name.split("_"))
        assert kinds[kind].VERSIONS[kind] == number
        for form in ("minimal", "full"):
            path = f"events/{visibility}/{folder.name}/examples/v{number}-{form}.json"
            example = repository.json(path)
            assert again(example, getattr(kinds[kind], kind)) == example
    assert len(kinds) == len(folders)


def test_an_event_can_not_be_changed_and_names_its_fields(repository: Repository) -> None:
    module = repository.module(EVENTS)
    cancelled = module.OrderCancelled(reason="other")
    with pytest.raises(AttributeError):
        cancelled.reason = "too_late"
    with pytest.raises(TypeError):
        module.OrderCancelled("other")


def test_an_optional_field_that_is_absent_stays_absent(repository: Repository) -> None:
    fields = {"note": described(type="string"), "seen": described(type=["boolean", "null"])}
    kind = archived(repository, fields, "seen").OrderArchived
    for data in ({"seen": None}, {"seen": True, "note": "x"}):
        assert again(data, kind) == data
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({}, kind)


def test_every_kind_of_field_has_its_type(repository: Repository) -> None:
    fields = {
        "count": described(type="integer"),
        "ratio": described(type="number"),
        "seen": described(type="boolean"),
        "kind": described(const="archive"),
        "tags": described(type="array", items={"type": "string"}),
        "grade": described(title="Grade", enum=[1, 2, None]),
        "place": {"$ref": "#/$defs/place"},
        "spare": described(anyOf=[{"$ref": "#/$defs/place"}, {"type": "null"}]),
        "price": described(**{"$ref": "urn:bitacora:type:money:v1"}),
        "delivery": described(**{"$ref": "urn:bitacora:type:delivery:v1"}),
        "given": described(type="object", **{"$ref": "urn:bitacora:type:delivery:v1"}),
    }
    schema = event(fields, tuple(fields))
    inner = {"type": ["array", "null"], "items": {"$ref": "#/$defs/place"}}
    place = described(type="object", title="Place", required=["inner"], properties={"inner": inner})
    schema["$defs"] = {"place": place}
    repository.new_event(f"{INTERNAL}/order_archived", schema, {})
    kind = repository.module(EVENTS).OrderArchived
    assert kind.__annotations__ == {
        "count": "int",
        "ratio": "float",
        "seen": "bool",
        "kind": "Literal['archive']",
        "tags": "tuple[str, ...]",
        "grade": "Grade | None",
        "place": "Place",
        "spare": "Place | None",
        "price": "Money",
        "delivery": "Delivery | None",
        "given": "Delivery",
    }
    money = {"amount": 1, "currency": "EUR"}
    delivery = repository.json("commands/place_order/examples/v1-full.json")["delivery"]
    data = {
        "count": 1,
        "ratio": 0.5,
        "seen": False,
        "kind": "archive",
        "tags": ["a", "b"],
        "grade": None,
        "place": {"inner": [{"inner": None}]},
        "spare": None,
        "price": money,
        "delivery": None,
        "given": delivery,
    }
    assert again(data, kind) == data


@pytest.mark.parametrize(
    ("field", "pointer"),
    [
        (described(enum=["a", "b"]), ""),
        (described(type="object", properties={}), ""),
        (described(type="object", title="No name", properties={}), ""),
        (described(type="array", items={"type": ["string", "integer"]}), "/items"),
        (described(anyOf=[{"type": "string"}, {"type": "integer"}]), ""),
        (described(), ""),
    ],
)
def test_what_has_no_type_is_named_with_its_place(
    repository: Repository, field: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ContractFault) as refused:
        archived(repository, {"field": field})
    assert refused.value.where == f"contracts/{INTERNAL}/order_archived/v1.json"
    assert refused.value.pointer == f"/properties/field{pointer}"


def test_two_types_of_one_name_are_refused(repository: Repository) -> None:
    one = described(type="object", title="Place", properties={"a": {"type": "string"}})
    same, other = one | {"description": "Another use."}, one | {"properties": {}}
    assert archived(repository, {"one": one, "same": same}).OrderArchived
    with pytest.raises(ContractFault, match="is another Place than one before it"):
        archived(repository, {"one": one, "other": other})


@pytest.mark.parametrize("name", ["class", "e-mail", "1st"])
def test_a_field_that_python_can_not_name_is_refused(repository: Repository, name: str) -> None:
    with pytest.raises(ContractFault, match="no name for a Python attribute"):
        archived(repository, {name: described(type="string")})


def test_a_reference_that_leads_nowhere_is_named(repository: Repository) -> None:
    with pytest.raises(ContractFault, match='"urn:bitacora:type:mony:v1" leads nowhere'):
        archived(repository, {"price": {"$ref": "urn:bitacora:type:mony:v1"}})


def test_the_oldest_readers_are_those_that_the_checker_finds(repository: Repository) -> None:
    assert repository.module(PUBLIC_EVENTS).OLDEST_READERS["OrderConfirmed", 2] == 1
    internal = repository.module(EVENTS).OLDEST_READERS
    assert not {("OrderPlaced", 2), ("OrderPlaced", 3)} & internal.keys()


def test_nobody_reads_on_over_an_upcaster_whatever_the_schemas_accept(
    repository: Repository,
) -> None:
    """The amounts of version 2 are cents, those of version 1 were euros: both are integers."""
    folder = f"{INTERNAL}/order_shipped"
    cents = repository.new_version(
        folder, lambda schema: schema.update({"x-upcast": "Euros to cents."})
    )
    repository.new_version(folder, lambda _: None)
    readers = repository.module(EVENTS).OLDEST_READERS
    assert ("OrderShipped", cents) not in readers
    assert readers["OrderShipped", cents + 1] == cents


AWKWARD = {
    "kind": described(const='says "no"'),
    "colour": described(title="Colour", enum=["red"]),
    "reason": described(title="ArchiveReason", enum=[f"reason_{n:02}_of_many" for n in range(9)]),
    "quoted": {"description": 'Ends with a "quote"', "type": "string"},
    "path": {"description": r"A backslash: C:\new and \"\"\" and " + '"""', "type": "string"},
    "long": {"description": "word " * 60 + "end.", "type": "string"},
    "plain": {"type": "string"},
}


def test_the_modules_are_as_the_formatter_and_the_linter_want_them(repository: Repository) -> None:
    for letter in "ABCDEFGHI":
        schema = event(AWKWARD, ("kind",)) | {"title": f"OrderArchivedForTheTime{letter}"}
        repository.new_event(f"{INTERNAL}/order_archived_{letter.lower()}", schema, {})
    made = repository.generated()
    for path in (EVENTS, PUBLIC_EVENTS):
        for check in (["check"], ["format", "--check", "--diff"]):
            done = subprocess.run(
                [RUFF, *check, "--no-cache", "--stdin-filename", PROJECT / path, "-"],
                input=made[path],
                capture_output=True,
                text=True,
                cwd=PROJECT,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr
    shown = repository.module(EVENTS).OrderArchivedForTheTimeA
    assert shown.__doc__ == "Nobody needs the order any more."
