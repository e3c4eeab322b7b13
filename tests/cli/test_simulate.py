"""`bitacora simulate` as a person or a program uses it."""

import json
import re

from tests.cli.conftest import run_in


def test_a_run_tells_what_went_wrong_how_often_and_what_came_of_it(tmp_path):
    done = run_in(tmp_path, "simulate", "--histories", "300", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^killed-after +\d+ +A function ends right after a call", done.stdout, re.M)
    assert "Histories: 300, seeds 7 to 306" in done.stdout
    assert "\n300 hold, 0 violated, 0 unknown.\n" in done.stdout
    assert done.stdout.endswith("\nVerdict: holds.\n")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert done.stderr == ""


def test_programs_get_one_document_the_same_for_the_same_seed_in_any_number_of_processes(tmp_path):
    asked = ("simulate", "--histories", "300", "--seed", "7", "--json")
    alone, together = run_in(tmp_path, *asked), run_in(tmp_path, *asked, "--jobs", "2")
    document = json.loads(alone.stdout)
    assert document == json.loads(together.stdout)
    assert document["verdict"] == "holds"
    assert document["seeds"] == {"first": 7, "count": 300}
    assert len(document["injected"]) >= 12
    assert all(document["injected"].values())


def test_a_run_that_met_not_every_fault_shows_nothing(tmp_path):
    done = run_in(tmp_path, "simulate", "--histories", "1", "--seed", "7")
    assert done.returncode == 1
    assert "Verdict: unknown. Never met: " in done.stdout


def test_a_run_may_be_kept_to_some_faults(tmp_path):
    done = run_in(
        tmp_path, "simulate", "--histories", "50", "--seed", "7", "--faults", "sdk-repeat,outage"
    )
    assert done.returncode == 0, done.stdout
    assert "sdk-repeat" in done.stdout
    assert "killed-after" not in done.stdout


def test_a_seed_that_holds_is_told_to_hold(tmp_path):
    done = run_in(tmp_path, "simulate", "--replay", "7")
    assert done.returncode == 0
    assert "\n1 hold, 0 violated, 0 unknown.\n\nVerdict: holds.\n" in done.stdout
    assert json.loads(run_in(tmp_path, "simulate", "--replay", "7", "--json").stdout) == {
        "verdict": "holds",
        "seed": 7,
        "failures": [],
    }


def test_an_unknown_fault_is_named_with_those_that_there_are(tmp_path):
    done = run_in(tmp_path, "simulate", "--faults", "outage,earthquake")
    assert done.returncode == 2
    assert "there is no fault earthquake" in done.stderr
    assert "throttled, no-answer, lost-answer" in done.stderr


def test_no_fault_is_no_list_of_faults(tmp_path):
    done = run_in(tmp_path, "simulate", "--faults", "")
    assert done.returncode == 2
    assert "--faults is empty" in done.stderr


def test_numbers_out_of_range_are_refused(tmp_path):
    for option, value in (("--histories", "0"), ("--seed", "-1"), ("--jobs", "0")):
        done = run_in(tmp_path, "simulate", option, value)
        assert done.returncode == 2
        assert option in done.stderr
