"""python -m features.twins: is each defect of the gallery found by the promise that it breaks?

Exit codes: 0 every twin was found, and every promise has found one; 1 otherwise; 2 wrong usage;
130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bitacora.cli.report import print_table
from features.harness.promises import PROMISES
from features.twins.gallery import NoLonger, Twin, gallery
from features.twins.trial import Trial, trial

SHOWN_REASON = 70


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    twins = [
        twin
        for twin in gallery()
        if (not asked.promise or twin.breaks in asked.promise)
        and (not asked.name or asked.name in twin.name)
    ]
    if not twins:
        print("No twin of the gallery is so called, or breaks that promise.", file=sys.stderr)
        return 2
    try:
        trials = [_tried(twin, number, len(twins)) for number, twin in enumerate(twins, 1)]
    except NoLonger as stale:
        print(f"{stale}. Write it anew in features/twins.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    whole = not (asked.promise or asked.name)
    idle = sorted(PROMISES.keys() - {one.twin.breaks for one in trials if one.outcome == "found"})
    if asked.json:
        print(json.dumps({"trials": [asdict(one) for one in trials], "idle_promises": idle}))
    else:
        _print_scoreboard(trials, idle if whole else [])
    found = all(one.outcome == "found" for one in trials)
    return 0 if found and not (whole and idle) else 1


def _tried(twin: Twin, number: int, count: int) -> Trial:
    print(f"{number} of {count}: {twin.name} …", file=sys.stderr, end=" ", flush=True)
    result = trial(twin)
    print(result.outcome, file=sys.stderr, flush=True)
    return result


def _print_scoreboard(trials: Sequence[Trial], idle: Sequence[int]) -> None:
    print_table(
        ("promise", "twin", "found by", "after"),
        [
            (
                str(one.twin.breaks),
                one.twin.name,
                _readable(one.scenario) if one.outcome == "found" else one.outcome,
                f"{one.after_s:.1f} s" if one.outcome == "found" else "",
            )
            for one in trials
        ],
        whole=("promise", "after"),
    )
    for one in trials:
        if one.outcome != "found":
            print(f"\n{one.twin.name}: {one.outcome}, {one.reason}")
    for number in idle:
        print(f"\nPromise {number} has found no twin: {PROMISES[number]}.")
    found = sum(one.outcome == "found" for one in trials)
    print(f"\n{found} of {len(trials)} twins were found.")


def _readable(test: str) -> str:
    """The scenario that a test carries out; an outline's with its example."""
    return test.removeprefix("test_").replace("_", " ")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m features.twins", description=__doc__)
    parser.add_argument("--promise", type=int, action="append", help="only twins that break it")
    parser.add_argument("--name", help="only twins with this text in their name")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
