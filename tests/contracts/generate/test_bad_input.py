"""What can't be generated from is told with its file and place, never by a traceback."""

from collections.abc import Callable
from typing import Any

import pytest

from bitacora.contracts.documents import ContractFault
from tests.contracts.generate.repository import Repository

CANCELLED = "events/public/order_cancelled"


def at(path: str, *steps: Any, value: Any) -> Callable[[Repository], None]:
    """Another value at a place of a JSON file."""

    def spoil(repository: Repository) -> None:
        def change(document: Any) -> None:
            *before, last = steps
            for step in before:
                document = document[step]
            document[last] = value

        repository.change(path, change)

    return spoil


def reads(path: str, text: str) -> Callable[[Repository], None]:
    def spoil(repository: Repository) -> None:
        (repository.root / path).write_text(text, "utf-8")

    return spoil


def without(path: str) -> Callable[[Repository], None]:
    return lambda repository: (repository.root / path).unlink()


@pytest.mark.parametrize(
    ("spoil", "where", "pointer"),
    [
        pytest.param(
            reads(f"contracts/{CANCELLED}/v1.json", "{"),
            f"contracts/{CANCELLED}/v1.json",
            "",
            id="no JSON",
        ),
        pytest.param(
            at(f"{CANCELLED}/v1.json", "properties", "reason", "type", value="text"),
            f"contracts/{CANCELLED}/v1.json",
            "/properties/reason/type",
            id="no schema",
        ),
        pytest.param(
            reads(f"contracts/{CANCELLED}/v1.json", "true"),
            f"contracts/{CANCELLED}/v1.json",
            "",
            id="no object",
        ),
        pytest.param(
            without(f"contracts/{CANCELLED}/examples/v1-full.json"),
            f"contracts/{CANCELLED}/examples/v1-full.json",
            "",
            id="no example",
        ),
        pytest.param(
            at(f"{CANCELLED}/v1.json", "title", value="OrderLost"),
            f"contracts/{CANCELLED}/v1.json",
            "/title",
            id="an event under another name",
        ),
        pytest.param(
            without("contracts/topology.json"), "contracts/topology.json", "", id="no topology"
        ),
        pytest.param(
            at("topology.json", "OrderPlaced", "consumers", value="ledger"),
            "contracts/topology.json",
            "/OrderPlaced/consumers",
            id="consumers that are no list",
        ),
        pytest.param(
            at("topology.json", "OrderPlaced", "schema", value="public/order_lost"),
            "contracts/events/public/order_lost",
            "",
            id="an event without a schema",
        ),
        pytest.param(
            at("http_api.json", "routes", 0, "route", value="/orders"),
            "contracts/http_api.json",
            "/routes/0/route",
            id="a route without a method",
        ),
        pytest.param(
            at("http_api.json", "routes", 0, "problem", value="stale"),
            "contracts/http_api.json",
            "/routes/0",
            id="a word that no route has",
        ),
        pytest.param(
            at("http_api.json", "problems", "stale", "members", value=["versions"]),
            "contracts/http_api.json",
            "/problems/stale/members",
            id="a member that no problem has",
        ),
        pytest.param(
            at("http_api.json", "problems", "stale", "status", value=418),
            "contracts/http_api.json",
            "/titles",
            id="a status without a title",
        ),
        pytest.param(
            at("http_api.json", "gateway", "statuses", value={"999": "?"}),
            "contracts/http_api.json",
            "/gateway/statuses",
            id="a status that HTTP has not",
        ),
        pytest.param(
            without("contracts/envelope/v1.json"), "contracts/envelope", "", id="no envelope"
        ),
        pytest.param(reads("pyproject.toml", "["), "pyproject.toml", "", id="no TOML"),
        pytest.param(
            reads("pyproject.toml", ""),
            "pyproject.toml",
            "/tool/bitacora/contracts",
            id="no settings",
        ),
    ],
)
def test_it_is_named_with_its_place(
    repository: Repository, spoil: Callable[[Repository], None], where: str, pointer: str
) -> None:
    spoil(repository)
    with pytest.raises(ContractFault) as refused:
        repository.generated()
    assert (refused.value.where, refused.value.pointer) == (where, pointer)
    assert refused.value.what
