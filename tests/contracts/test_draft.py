"""The next version begins as a copy of the newest one."""

import pytest

from bitacora.contracts.draft import draft
from bitacora.embedded.problem import Problem, UsageProblem
from tests.contracts.planted import CANCELLED, PLACED, PUBLIC, Contracts


def test_a_draft_is_a_sound_next_version(contracts: Contracts) -> None:
    contracts.release()
    made = draft(contracts.root, "order_placed")
    assert made.version.name == f"{PLACED}/v4"
    before, schema = contracts.read(f"{PLACED}/v3.json"), contracts.read(f"{PLACED}/v4.json")
    assert schema["$id"] == "urn:bitacora:event:internal:order_placed:v4"
    assert "x-upcast" not in schema
    assert {**schema, "$id": before["$id"], "x-upcast": before["x-upcast"]} == before
    assert list(schema) == [key for key in before if key != "x-upcast"]
    assert contracts.findings == []
    assert sorted(made.files) == sorted(
        [f"{PLACED}/v4.json", *(made.version.example(form) for form in ("minimal", "full", "bad"))]
    )


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("internal/order_cancelled", CANCELLED),
        (CANCELLED, CANCELLED),
        ("public/order_confirmed", PUBLIC),
        ("order_confirmed", PUBLIC),
        ("envelope", "envelope"),
        ("money", "types/money"),
    ],
)
def test_a_name_may_be_as_short_as_it_is_clear(
    contracts: Contracts, name: str, folder: str
) -> None:
    contracts.release()
    assert draft(contracts.root, name).version.folder == folder
    assert contracts.findings == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("order_cancelled", "events/internal/order_cancelled or events/public/order_cancelled"),
        ("order_canceled", "order_cancelled"),
        ("", "There are"),
        ("../x", "There are"),
        ("placed", "order_placed"),
    ],
)
def test_a_name_that_is_not_clear_is_answered_with_those_that_are(
    contracts: Contracts, name: str, said: str
) -> None:
    contracts.release()
    with pytest.raises(UsageProblem) as caught:
        draft(contracts.root, name)
    assert said in f"{caught.value.what} {caught.value.remedy}"


def test_what_is_not_released_is_edited_in_place(contracts: Contracts) -> None:
    with pytest.raises(Problem, match="not released yet") as caught:
        draft(contracts.root, "internal/order_cancelled")
    assert str(contracts.root / CANCELLED / "v1.json") in caught.value.remedy
    contracts.release()
    draft(contracts.root, "internal/order_cancelled")
    with pytest.raises(Problem, match="v2 is not released yet"):
        draft(contracts.root, "internal/order_cancelled")
