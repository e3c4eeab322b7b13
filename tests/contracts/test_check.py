"""The folder beside its own past: by its policy, its lock, and a revision of git."""

import os
import time
from pathlib import Path

import pytest

from bitacora.contracts.check import check
from bitacora.contracts.revision import folder_at
from bitacora.embedded.problem import UsageProblem
from reference_service.schemas import CONTRACTS
from tests.contracts.planted import CANCELLED, PLACED, PUBLIC, Contracts, places

NOTE = {"description": "What the customer said.", "type": "string", "maxLength": 200}


def outcomes(contracts: Contracts) -> dict[str, str]:
    """Old and new version of each comparison, and how it came out."""
    steps = check(contracts.root).steps
    return {f"{step.older.name} → v{step.newer.number}": step.outcome for step in steps}


def with_note(contracts: Contracts, folder: str, number: int) -> None:
    """A next version that gains an optional field."""
    file = contracts.next_version(folder, number)
    contracts.put(file, "/properties/note", NOTE)
    contracts.put(f"{folder}/examples/v{number}-full.json", "/note", "Too late.")


def require_note(contracts: Contracts, folder: str, number: int) -> None:
    file = f"{folder}/v{number}.json"
    contracts.put(file, "/required", [*contracts.read(file)["required"], "note"])
    contracts.put(f"{folder}/examples/v{number}-minimal.json", "/note", "n")


def test_the_contracts_of_this_project_are_fine_and_checked_in_two_seconds() -> None:
    before = time.process_time()
    report = check(CONTRACTS)
    assert time.process_time() - before < 2
    assert report.is_fine, (report.findings, report.steps)


def test_a_version_that_gains_an_optional_field_is_compatible(contracts: Contracts) -> None:
    with_note(contracts, CANCELLED, 2)
    assert outcomes(contracts)[f"{CANCELLED}/v1 → v2"] == "compatible"


def test_making_a_field_required_is_refused_with_the_event_that_lacks_it(
    contracts: Contracts,
) -> None:
    with_note(contracts, CANCELLED, 2)
    require_note(contracts, CANCELLED, 2)
    report = check(contracts.root)
    (step,) = [step for step in report.steps if not step.is_fine]
    (counterexample,) = step.comparison.counterexamples
    assert counterexample.instance == contracts.read(f"{CANCELLED}/examples/v1-minimal.json")
    assert [reason.keyword for reason in counterexample.reasons] == ["required"]
    assert not report.is_fine


def test_transitive_means_every_version_before(contracts: Contracts) -> None:
    with_note(contracts, CANCELLED, 2)
    contracts.next_version(CANCELLED, 3)
    require_note(contracts, CANCELLED, 3)
    found = outcomes(contracts)
    assert found[f"{CANCELLED}/v1 → v3"] == found[f"{CANCELLED}/v2 → v3"] == "incompatible"
    contracts.put("compatibility.json", "/events~1internal", "BACKWARD")
    found = outcomes(contracts)
    assert f"{CANCELLED}/v1 → v3" not in found
    assert found[f"{CANCELLED}/v2 → v3"] == "incompatible"


def test_an_upcaster_carries_old_events_over(contracts: Contracts) -> None:
    with_note(contracts, CANCELLED, 2)
    require_note(contracts, CANCELLED, 2)
    contracts.put(f"{CANCELLED}/v2.json", "/x-upcast", "The note is empty.")
    assert outcomes(contracts)[f"{CANCELLED}/v1 → v2"] == "upcast"


def test_a_comparison_reaches_back_to_the_last_upcaster(contracts: Contracts) -> None:
    contracts.next_version(PLACED, 4)
    contracts.next_version(PLACED, 5)
    assert {each: how for each, how in outcomes(contracts).items() if PLACED in each} == {
        f"{PLACED}/v1 → v2": "upcast",
        f"{PLACED}/v2 → v3": "upcast",
        f"{PLACED}/v3 → v4": "compatible",
        f"{PLACED}/v3 → v5": "compatible",
        f"{PLACED}/v4 → v5": "compatible",
    }


def test_a_public_event_is_asked_in_both_directions(contracts: Contracts) -> None:
    contracts.next_version(PUBLIC, 3)
    file = f"{PUBLIC}/v3.json"
    contracts.put(file, "/properties/lines/maxItems", 60)
    (step,) = [step for step in check(contracts.root).steps if not step.is_fine][:1]
    assert [each.direction for each in step.comparison.counterexamples] == ["forward"]
    assert len(step.comparison.counterexamples[0].instance["lines"]) > 50


def test_types_have_no_mode_of_their_own(contracts: Contracts) -> None:
    file = contracts.root / "types/money/v2.json"
    file.write_text((contracts.root / "types/money/v1.json").read_text().replace(":v1", ":v2"))
    contracts.put("types/money/v2.json", "/properties/amount/maximum", 5)
    report = check(contracts.root)
    assert report.is_fine
    assert not [step for step in report.steps if step.newer.is_type]


def test_what_cannot_be_compared_is_a_finding_and_the_rest_is_compared(
    contracts: Contracts,
) -> None:
    contracts.write(f"{CANCELLED}/v1.json", b"{")
    report = check(contracts.root)
    assert {found.rule for found in report.findings} == {"json"}
    assert report.steps


# Against a revision.


def test_file_and_lock_edited_together_are_found_against_the_revision(
    contracts: Contracts,
) -> None:
    contracts.release()
    contracts.commit()
    contracts.put(f"{CANCELLED}/v1.json", "/description", "Other words.")
    (contracts.root / "released.lock").unlink()
    contracts.release()
    assert check(contracts.root).is_fine
    found = check(contracts.root, folder_at(contracts.root, "main")).findings
    assert places(list(found)) == [
        ("released-against", f"{CANCELLED}/v1.json", ""),
        ("released-against", "released.lock", ""),
    ]
    assert "main:contracts/released.lock says" in found[0].what


def test_a_released_version_that_vanished_with_its_line_is_found(contracts: Contracts) -> None:
    contracts.release()
    contracts.commit()
    (contracts.root / "types/balance/v1.json").unlink()
    lock = contracts.root / "released.lock"
    lines = lock.read_text().splitlines(keepends=True)
    lock.write_text("".join(line for line in lines if "types/balance" not in line))
    assert check(contracts.root).is_fine
    found = check(contracts.root, folder_at(contracts.root, "main")).findings
    assert {each.file for each in found} == {"types/balance/v1.json", "released.lock"}
    assert "vanished" in found[0].what + found[1].what


def test_a_new_version_is_compared_with_what_the_revision_released(contracts: Contracts) -> None:
    """Even when the version it is compared with was bent to fit, lock included."""
    contracts.release()
    contracts.commit()
    with_note(contracts, CANCELLED, 2)
    require_note(contracts, CANCELLED, 2)
    contracts.put(f"{CANCELLED}/v1.json", "/properties/note", NOTE)
    contracts.put(f"{CANCELLED}/examples/v1-full.json", "/note", "n")
    require_note(contracts, CANCELLED, 1)
    (contracts.root / "released.lock").unlink()
    report = check(contracts.root, folder_at(contracts.root, "main"))
    (step,) = [step for step in report.steps if not step.is_fine]
    assert (step.older.name, step.outcome) == (f"{CANCELLED}/v1", "incompatible")


def test_what_was_not_released_may_still_change(contracts: Contracts) -> None:
    contracts.commit()
    contracts.put(f"{CANCELLED}/v1.json", "/description", "Other words.")
    assert check(contracts.root, folder_at(contracts.root, "main")).is_fine


def test_a_revision_gives_the_very_bytes(contracts: Contracts) -> None:
    """Whatever git makes of line ends in a checkout."""
    (contracts.root.parent / ".gitattributes").write_text("* text eol=crlf\n")
    contracts.write("README.md", "Año\n".encode())
    contracts.commit()
    past = folder_at(contracts.root, "HEAD")
    assert past.contents == contracts.folder.contents
    assert past.where == "HEAD:contracts"


def test_a_revision_holds_files_that_are_too_large_to_be_read(contracts: Contracts) -> None:
    contracts.write("big.json", b" " * 2_000_000)
    contracts.commit()
    assert "at most 1 MiB" in folder_at(contracts.root, "HEAD").refused["big.json"].what


def test_without_a_checkout_that_is_said(contracts: Contracts) -> None:
    with pytest.raises(UsageProblem, match="not in a git checkout"):
        folder_at(contracts.root, "main")


@pytest.mark.parametrize(
    "ref",
    [
        "nowhere",
        "origin/main",
        "main^{tree}",
        "main:contracts",
        "--help",
        "",
        "-",
        "a\nb",
        "x" * 999,
    ],
)
def test_a_revision_that_is_none_is_refused(contracts: Contracts, ref: str) -> None:
    contracts.commit()
    with pytest.raises(UsageProblem, match="revision"):
        folder_at(contracts.root, ref)


def test_a_ref_is_never_an_option_of_git(contracts: Contracts, tmp_path: Path) -> None:
    contracts.commit()
    with pytest.raises(UsageProblem, match="no name of a git revision"):
        folder_at(contracts.root, f"--output={tmp_path / 'written'}")
    assert not (tmp_path / "written").exists()


def test_a_revision_without_contracts_is_said(contracts: Contracts) -> None:
    whole = contracts.root.rename(contracts.root.with_name("later"))
    Contracts(whole).write("x.json", {})
    (whole.parent / "README.md").write_text("First.")
    contracts_later = Contracts(whole)
    contracts_later.git("init", "--quiet", "--initial-branch", "main")
    contracts_later.git("add", "README.md")
    contracts_later.git("commit", "--quiet", "--message", "first")
    with pytest.raises(UsageProblem, match="main has no later"):
        folder_at(whole, "main")


def test_another_repositorys_hook_does_not_mislead(
    contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    contracts.commit()
    monkeypatch.setenv("GIT_DIR", os.devnull)
    assert folder_at(contracts.root, "main").versions == contracts.folder.versions
