"""Load runs against an environment: what they measure and how they end."""

import json
from pathlib import Path
from typing import Any

from bitacora.embedded.environment import Environment
from tests.load.test_without_an_environment import locust

ORDERS = ("--rate", "2", "--seconds", "3", "--arrivals", "steady", "--warm-up", "0")


def run(environment: Environment, folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, verdict, what was printed)"""
    file = folder / "verdict.json"
    done = locust(
        "--only-summary", "--home", str(environment.home), "--verdict-json", str(file), *options
    )
    assert file.exists(), done.stderr
    return done.returncode, json.loads(file.read_text()), done.stdout


def test_a_sound_service_holds(environment: Environment, tmp_path: Path) -> None:
    code, verdict, printed = run(environment, tmp_path, *ORDERS)
    assert (code, verdict["verdict"]) == (0, "holds"), verdict
    counts = verdict["counts"]
    assert counts["orders in the store"] == 6
    assert counts["commands accepted"] >= 12
    assert counts["commands accepted"] == counts["accepted in the store once"]
    assert counts["commands unanswered"] == 0
    assert "Verdict: holds" in printed


def test_a_projector_that_stands_still_is_a_violation(
    environment: Environment, tmp_path: Path
) -> None:
    delivery, name = environment.delivery, environment.outputs["functions"]["projector"]
    mapping = next(each for each in delivery.mappings() if each["function"].endswith(name))
    delivery.fault(mapping["uuid"], "stop")
    try:
        code, verdict, printed = run(environment, tmp_path, *ORDERS, "--converge-seconds", "1")
    finally:
        delivery.fault(mapping["uuid"], "resume")
    assert (code, verdict["verdict"]) == (1, "violated")
    assert {each["kind"] for each in verdict["violations"]} == {"invisible"}
    assert "Verdict: violated" in printed


def test_a_service_that_answers_nothing_is_unknown(
    environment: Environment, tmp_path: Path
) -> None:
    environment.control("ministack", "kill")
    code, verdict, _ = run(environment, tmp_path, "--rate", "1", "--seconds", "1")
    assert (code, verdict["verdict"]) == (2, "unknown")
    assert verdict["counts"]["commands accepted"] == 0
