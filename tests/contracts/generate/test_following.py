"""What is generated follows contracts/: nothing is stale, and a change shows everywhere."""

import json
import os
import subprocess
import sys
from typing import Any

from bitacora.contracts.generate import stale, write
from tests.contracts.generate.repository import (
    CUSTOMER_EVENTS,
    EVENTS,
    PROJECT,
    PUBLIC_EVENTS,
    Repository,
)

CATALOGUE = "docs/catalogue.md"
FILES = {
    "contracts/asyncapi.json",
    "contracts/openapi.json",
    CATALOGUE,
    "infra/routing.json",
    EVENTS,
    CUSTOMER_EVENTS,
    PUBLIC_EVENTS,
}
REMARK = {
    "description": "What the customer told the shop.",
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
}
PRINTED = """
import json, sys
from pathlib import Path
from bitacora.contracts.generate import generate
print(json.dumps({str(path): text for path, text in generate(Path(sys.argv[1])).items()}))
"""


def with_remark(schema: dict[str, Any]) -> None:
    schema["properties"]["remark"] = REMARK


def remarked(example: dict[str, Any]) -> None:
    example["remark"] = "It came too late."


def test_nothing_that_is_generated_is_stale() -> None:
    files = [str(path.relative_to(PROJECT)) for path in stale(PROJECT)]
    assert files == [], "run: bitacora contracts generate"


def test_what_was_edited_by_hand_or_lost_is_stale_and_written_anew(repository: Repository) -> None:
    written = write(repository.root)
    assert {str(path.relative_to(repository.root)) for path in written} == FILES
    edited, lost = repository.root / PUBLIC_EVENTS, repository.root / CATALOGUE
    made = edited.read_bytes()
    edited.write_bytes(made.replace(b"omit_defaults=True", b"omit_defaults=False"))
    lost.unlink()
    assert stale(repository.root) == [lost, edited]
    assert write(repository.root) == [lost, edited]
    assert edited.read_bytes() == made
    assert stale(repository.root) == []


def test_the_same_contracts_make_the_same_files_in_every_process(repository: Repository) -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PRINTED, str(repository.root)],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    made = {str(repository.root / path): text for path, text in repository.generated().items()}
    assert json.loads(printed) == made


def test_a_new_optional_field_shows_in_types_documents_and_catalogue(
    repository: Repository,
) -> None:
    before = repository.generated()
    folder = "events/public/order_cancelled"
    number = repository.new_version(folder, with_remark, remarked)
    after = repository.generated()
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {PUBLIC_EVENTS, "contracts/asyncapi.json", CATALOGUE}

    assert "    remark: str | None = None\n" in after[PUBLIC_EVENTS]
    assert f'    "OrderCancelled": {number},\n' in after[PUBLIC_EVENTS]
    assert f'    ("OrderCancelled", {number}): 1,\n' in after[PUBLIC_EVENTS]

    document = json.loads(after["contracts/asyncapi.json"])
    schema = document["components"]["schemas"][f"OrderCancelled.v{number}"]
    assert schema["properties"]["remark"]["maxLength"] == 200
    shown = {
        e["name"]: e["payload"]
        for e in document["components"]["messages"]["OrderCancelled"]["examples"]
    }
    assert shown[f"v{number}-full"]["data"]["remark"] == "It came too late."
    assert shown[f"v{number}-full"]["oldestreader"] == 1
    assert "oldestreader" not in shown["v1-full"]

    assert "| `remark` | string | 1 to 200 characters | no |" in after[CATALOGUE]
    told = "`remark`: a field was added; it is optional (compatible)"
    assert f"| {told} | readers of version 1 and newer |" in after[CATALOGUE]


def test_a_new_public_event_gets_a_rule_a_filter_and_a_channel(repository: Repository) -> None:
    schema = {
        "title": "OrderArchived",
        "description": "Nobody needs the order any more.",
        "required": ["order_id"],
        "properties": {"order_id": {"description": "The order.", "type": "string"}},
        "additionalProperties": False,
    }
    repository.new_event("events/public/order_archived", schema, {"order_id": "1"})
    way = {
        "source": "bitacora.orders",
        "stream": "order",
        "schema": "public/order_archived",
        "consumers": ["ledger", "warehouse"],
    }
    repository.change("topology.json", lambda topology: topology.update(OrderArchived=way))
    made = repository.generated()
    routing = json.loads(made["infra/routing.json"])
    assert routing["rules"]["OrderArchived"] == {
        "pattern": {"source": ["bitacora.orders"], "detail-type": ["OrderArchived"]},
        "targets": ["order-events"],
    }
    assert routing["filters"]["warehouse"] == {"type": ["OrderArchived"]}
    assert "OrderArchived" in routing["filters"]["ledger"]["type"]
    assert "OrderArchived" not in routing["filters"]["fulfilment"]["type"]
    document = json.loads(made["contracts/asyncapi.json"])
    assert list(document["channels"]["warehouse"]["messages"]) == ["OrderArchived"]
    assert document["operations"]["warehouse-receive"]["action"] == "receive"
    assert "class OrderArchived(" in made[PUBLIC_EVENTS]
    assert "Consumed by `ledger`, `warehouse`." in made[CATALOGUE]


def test_a_new_field_of_a_command_shows_in_the_http_api(repository: Repository) -> None:
    folder = "commands/cancel_order"
    number = repository.new_version(folder, with_remark, remarked)

    def lead(api: dict[str, Any]) -> None:
        [route] = [each for each in api["routes"] if each["operation"] == "cancelOrder"]
        route["command"] = f"{folder}/v{number}"

    repository.change("http_api.json", lead)
    made = repository.generated()
    document = json.loads(made["contracts/openapi.json"])
    schema = document["components"]["schemas"][f"CancelOrder.v{number}"]
    assert "remark" in schema["properties"]
    assert "| `remark` | string | 1 to 200 characters | no |" in made[CATALOGUE]
