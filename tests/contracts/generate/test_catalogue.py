"""docs/catalogue.md tells of every event and command, and what it shows is true."""

import json
import re
from typing import Any

import pytest

from reference_service.schemas import Schemas
from tests.contracts.generate.repository import PROJECT, Repository

CATALOGUE = (PROJECT / "docs" / "catalogue.md").read_text("utf-8")
FOLDERS = [
    folder.relative_to(PROJECT / "contracts").as_posix()
    for kind in ("events/public", "events/internal", "commands")
    for folder in sorted((PROJECT / "contracts" / kind).iterdir())
]
WAYS: dict[str, Any] = json.loads((PROJECT / "contracts" / "topology.json").read_text("utf-8"))


def section(folder: str, text: str = CATALOGUE) -> str:
    """What stands from one anchor to the next."""
    found = text.partition(f'<a id="{folder.replace("/", "-")}"></a>')[2]
    return re.split(r"^(?:<a id=|## )", found, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_contract_has_an_entry_with_all_its_versions(folder: str) -> None:
    entry = section(folder)
    for path in (PROJECT / "contracts" / folder).glob("v*.json"):
        schema = json.loads(path.read_text("utf-8"))
        assert f"(../contracts/{folder}/{path.name})" in entry
        assert schema.get("x-upcast", "") in entry
    assert f"### {schema['title']}" in entry


def test_a_change_without_an_upcaster_is_told_field_by_field(repository: Repository) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["lines"]["items"]["properties"]["quantity"]["maximum"] = 10000

    folder = "events/public/order_confirmed"
    repository.new_version(folder, change)
    entry = section(folder, repository.generated()["docs/catalogue.md"])
    assert "| `total`: a field was added; it is optional (compatible) |" in entry
    assert "| `lines[].quantity`: the greatest value was raised from 9999 to 10000" in entry


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_example_is_one_of_the_newest_version(folder: str) -> None:
    newest = max(int(v) for v in re.findall(rf"{folder}/v(\d+)\.json", section(folder)))
    [shown] = re.findall(r"```json\n(.*?)```", section(folder), flags=re.DOTALL)
    assert Schemas.load().check(f"{folder}/v{newest}", json.loads(shown)) == ()


def test_every_link_leads_somewhere() -> None:
    anchors = set(re.findall(r'<a id="([^"]+)">', CATALOGUE))
    links = re.findall(r"\]\(([^)]+)\)", CATALOGUE)
    assert links
    for link in links:
        if link.startswith("#"):
            assert link[1:] in anchors
        else:
            assert (PROJECT / "docs" / link).is_file(), link


def test_who_publishes_and_consumes_stands_with_each_public_event() -> None:
    for way in WAYS.values():
        entry = section(f"events/{way['schema']}")
        assert f"Published by `{way['source']}`" in entry
        told = re.search(r"Consumed by (.*)\.$", entry, flags=re.MULTILINE)
        assert told is not None
        assert re.findall(r"`([^`]+)`", told[1]) == way["consumers"]


def test_a_command_says_which_route_takes_it() -> None:
    assert "Body of `POST /orders`." in section("commands/place_order")
    assert "Body of `POST /orders/{order_id}/payments`." in section("commands/receive_payment")


def test_what_is_personal_is_marked_down_to_the_last_field() -> None:
    rows = {
        cells[0]: cells[4]
        for line in section("events/internal/order_placed").splitlines()
        if len(cells := [cell.strip() for cell in line.strip("| ").split(" | ")]) == 6
    }
    assert rows["`delivery`"] == rows["`delivery.street`"] == "yes"
    assert rows["`customer_id`"] == ""


def test_a_field_that_refers_back_to_itself_is_told_once(repository: Repository) -> None:
    part = {
        "title": "Part",
        "description": "A part, made of parts.",
        "type": ["object", "null"],
        "properties": {"inner": {"$ref": "#/$defs/part", "description": "What is inside."}},
    }
    schema = {
        "title": "OrderArchived",
        "description": "Nobody needs it.",
        "properties": {"part": {"$ref": "#/$defs/part"}},
        "$defs": {"part": part},
    }
    folder = "events/internal/order_archived"
    repository.new_event(folder, schema, {"part": {"inner": None}})
    entry = section(folder, repository.generated()["docs/catalogue.md"])
    assert re.findall(r"^\| `(part[^`]*)`", entry, flags=re.MULTILINE) == ["part", "part.inner"]


def test_no_cell_breaks_its_table(repository: Repository) -> None:
    def change(schema: dict[str, Any]) -> None:
        schema["properties"]["reason"]["description"] = "One | two\nthree."

    folder = "events/internal/order_cancelled"
    repository.new_version(folder, change)
    entry = section(folder, repository.generated()["docs/catalogue.md"])
    assert r"One \| two three." in entry
