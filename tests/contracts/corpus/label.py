"""Labels the cases: `python -m tests.contracts.corpus.label [--check] [THEME ...]`.

Reads the themes in cases/, searches each case for counterexamples in both directions and writes
down what it found: labels, witnesses, and whether the case keeps to the linted subset. A label
in the file is the author's intention until then; each that the search contradicts is printed.
With --check nothing is written. Exit codes: 0 all as labelled, 1 a label differed, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.contracts.corpus.readings import Question, Schema, children, referred
from tests.contracts.corpus.search import ABSENT, THOROUGH, Effort, counterexample

Case = dict[str, Any]

CASES = Path(__file__).parent / "cases"
DIRECTIONS = (("backward", "old", "new"), ("forward", "new", "old"))


def themes() -> dict[str, list[Case]]:
    """The cases of each theme, by the theme's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(CASES.glob("*.json"))}


def question(case: Case, direction: str) -> Question:
    """What one direction ("backward" or "forward") of a case asks."""
    producer, consumer = next((p, c) for d, p, c in DIRECTIONS if d == direction)
    return Question(case[producer], case[consumer], case["reading"])


def labelled(case: Case, effort: Effort = THOROUGH) -> Case:
    """The case with the labels that the search finds."""
    found: Case = {key: case[key] for key in ("name", "reading")}
    found["subset"] = in_subset(case["old"]) and in_subset(case["new"])
    found |= {"old": case["old"], "new": case["new"]}
    witnesses = {d: counterexample(question(case, d), effort) for d, _, _ in DIRECTIONS}
    for direction, witness in witnesses.items():
        found[direction] = "compatible" if witness is ABSENT else "incompatible"
    for direction, witness in witnesses.items():
        if witness is not ABSENT:
            found[f"{direction}_witness"] = witness
    return found


# -- the linted subset: where the checker must decide every question

_PLAIN = {
    *("type", "required", "properties", "additionalProperties", "enum", "const", "minimum"),
    *("maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern"),
    *("format", "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "oneOf", "$ref"),
    *("$defs", "dependentRequired", "multipleOf", "title", "description"),
}
_FORMATS = {"date", "time", "date-time", "uuid", "email", "uri"}


def in_subset(root: Schema) -> bool:
    """Whether a document keeps to the keywords for which every question must be decided."""
    return isinstance(root, dict) and not _recursive(root) and _plain(root, root)


def _plain(schema: Schema, root: dict[str, Any]) -> bool:
    if isinstance(schema, bool):
        return False
    kind = schema.get("type", "any")
    pattern = schema.get("pattern", "")
    return (
        set(schema) <= _PLAIN
        and (isinstance(kind, str) or (len(kind) == 2 and kind[1] == "null"))
        and schema.get("additionalProperties", False) is False
        and isinstance(schema.get("multipleOf", 1), int)
        and schema.get("format", "date") in _FORMATS
        and not re.search(r"\(\?[^:]|\\[0-9dDwWsSbBpP]", pattern)
        and ("oneOf" not in schema or _tagged(schema["oneOf"], root))
        and all(_plain(inner, root) for inner in _inside(schema))
    )


def _inside(schema: dict[str, Any]) -> Iterator[Schema]:
    """The schemas inside, but for the `false` that closes an object or a tuple."""
    for keyword, inner in children(schema):
        if inner is not False or keyword not in ("additionalProperties", "items"):
            yield inner


def _tagged(branches: list[Schema], root: dict[str, Any]) -> bool:
    """Whether one required property with other constants in each branch tells them apart."""
    resolved = [_resolved(branch, root) for branch in branches]
    names = set.intersection(*(set(branch.get("required", ())) for branch in resolved))
    return any(_apart([b.get("properties", {}).get(name, {}) for b in resolved]) for name in names)


def _apart(tags: list[Any]) -> bool:
    values = [tag.get("enum", [tag["const"]] if "const" in tag else []) for tag in tags]
    texts = [json.dumps(value) for branch in values for value in branch]
    return all(values) and len(texts) == len(set(texts))


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    while isinstance(schema, dict) and "$ref" in schema:
        schema = referred(root, schema["$ref"])
    return schema if isinstance(schema, dict) else {}


def _recursive(root: dict[str, Any]) -> bool:
    def meets_itself(schema: Schema, above: tuple[str, ...]) -> bool:
        if isinstance(schema, bool):
            return False
        reference = schema.get("$ref")
        if reference in above:
            return True
        if reference and meets_itself(referred(root, reference), (*above, reference)):
            return True
        below = (inner for keyword, inner in children(schema) if keyword != "$defs")
        return any(meets_itself(inner, above) for inner in below)

    definitions = root.get("$defs", {}).values()
    return any(meets_itself(schema, ()) for schema in (root, *definitions))


# -- the script


def written(cases: list[Case]) -> str:
    """A theme's file: a key a line, so that a changed label is a changed line."""
    lines = (
        ",\n".join(
            f"    {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in c.items()
        )
        for c in cases
    )
    return "[\n" + ",\n".join(f"  {{\n{case}\n  }}" for case in lines) + "\n]\n"


def differences(theme: str, before: Case, after: Case) -> list[str]:
    """What the search contradicts, in words."""
    witness = {d: json.dumps(after.get(f"{d}_witness")) for d, _, _ in DIRECTIONS}
    where = f"{theme}: {before['name']} ({before['reading']})"
    return [
        f"{where}: {direction} was {before.get(direction)}, is {after[direction]}: "
        + ("nothing was found" if after[direction] == "compatible" else witness[direction])
        for direction, _, _ in DIRECTIONS
        if before.get(direction) != after[direction]
    ]


def main(arguments: list[str]) -> int:
    """Labels or checks the themes named, else all of them."""
    parser = argparse.ArgumentParser(description="Label the corpus of schema changes.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("themes", nargs="*")
    options = parser.parse_args(arguments)
    known = themes()
    if unknown := set(options.themes) - set(known):
        parser.error(f"no theme {', '.join(sorted(unknown))} in {CASES}")
    chosen = {theme: known[theme] for theme in options.themes or known}
    contradicted: list[str] = []
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        queued = {theme: processes.map(labelled, cases) for theme, cases in chosen.items()}
        for theme, results in queued.items():
            after = list(results)
            pairs = zip(chosen[theme], after, strict=True)
            contradicted += itertools.chain.from_iterable(differences(theme, *p) for p in pairs)
            if not options.check:
                (CASES / f"{theme}.json").write_text(written(after))
            print(f"{theme}: {len(after)} cases, {sum(c['subset'] for c in after)} in the subset")
    for each in contradicted:
        print(each)
    return 1 if contradicted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
