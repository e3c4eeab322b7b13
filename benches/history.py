"""How quickly a history is checked: python -m benches.history [--json] [--operations N]

A million operations of clients, of the event store and of two consumers, written to a file; then
the whole command `bitacora check FILE`, the start of Python and the reading included, in a process
of its own. CPU time is what the command costs; elapsed is beside it, for other work on the machine
lengthens that. The figure of a run is the lowest of the rounds, and each is shown.

Exit code 1 when more CPU time or memory is taken than is wanted.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from msgspec.json import encode
from rich.console import Console
from rich.table import Table

from bitacora.audit.history import Append, Operation, Read, Seen, Stored

OPERATIONS = 1_000_000
ROUNDS = 3
WANTED = {"cpu_s": 5.0, "memory_mb": 1500.0}
CLIENTS = 40


def history(random: Random, operations: int) -> Iterator[Operation]:
    """At least so many, stream by stream; all of it is possible."""
    number = written = 0
    while written < operations:
        number += 1
        of_one = list(stream(random, f"order-{number:08}"))
        written += len(of_one)
        yield from of_one


def stream(random: Random, name: str) -> Iterator[Operation]:
    """An order's life: commands, some repeated, refused or unanswered, and reads between them."""
    now = random.uniform(0, 3600)
    version = 0
    at_rest: list[Operation] = []
    for number in range(1, random.randint(4, 13)):
        command = f"{name}-{number}"
        who = {"client": f"client-{random.randrange(CLIENTS)}", "stream": name}
        now += random.uniform(0.1, 2)
        times = {"invoked": round(now, 6), "returned": round(now + 0.03, 6)}
        count = random.choice((1, 1, 1, 2))
        if version and random.random() < 0.1:
            yield Append(
                **who,
                **times,
                command=f"{command}-late",
                outcome="failed",
                reason="conflict",
                expected=0,
                version=version,
            )
        attempt = who | times | {"command": command, "expected": version}
        answer = {"outcome": "ok", "version": version + count, "count": count}
        chance = random.random()
        if chance < 0.05:
            yield Append(**attempt, outcome="unknown")
        else:
            yield Append(**attempt, **answer)
        if chance < 0.1:
            again = {"invoked": round(now + 0.04, 6), "returned": round(now + 0.06, 6)}
            yield Append(**(attempt | again), **answer)
        at_rest.append(
            Stored(stream=name, commit=number, first=version + 1, count=count, command=command)
        )
        for event in range(version + 1, version + count + 1):
            at_rest.append(
                Seen(where="ledger", stream=name, version=event, event=f"{name}/{event}")
            )
        version += count
        for _ in range(random.choice((1, 2, 2))):
            now += 0.1
            times = {"invoked": round(now, 6), "returned": round(now + 0.01, 6)}
            strong = {"consistency": "strong"} if random.random() < 0.2 else {"token": version}
            yield Read(**who, **times, outcome="ok", version=version, **strong)
    yield from at_rest
    yield Seen(where="read-model", stream=name, version=version)


def measured(path: Path) -> dict[str, float]:
    """CPU and elapsed seconds and peak memory of one run of the command."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "bitacora", "check", str(path)], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"bitacora check ended with {process.returncode}"
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "elapsed_s": elapsed,
        "memory_mb": used.ru_maxrss * 1024 / 1e6,
    }


def run(operations: int) -> dict[str, Any]:
    """The history's size, and the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.jsonl"
        written = 0
        with path.open("wb") as file:
            for each in history(Random(1), operations):
                file.write(encode(each) + b"\n")
                written += 1
        rounds = [measured(path) for _ in range(ROUNDS)]
        size_mb = path.stat().st_size / 1e6
    best = {name: min(each[name] for each in rounds) for name in rounds[0]}
    return {
        "operations": written,
        "size_mb": size_mb,
        "rounds": rounds,
        "best": best,
        "wanted": WANTED,
        "reached": {name: best[name] < wanted for name, wanted in WANTED.items()},
    }


def show(found: dict[str, Any]) -> None:
    title = f"{found['operations']:,} operations in {found['size_mb']:.0f} MB"
    table = Table(title=title)
    for heading in ("", *(f"round {number}" for number in range(1, ROUNDS + 1)), "wanted"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in found["best"]:
        wanted = f"< {WANTED[name]:g}" if name in WANTED else ""
        table.add_row(name, *(f"{each[name]:.2f}" for each in found["rounds"]), wanted)
    Console().print(table)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--operations", type=int, default=OPERATIONS)
    arguments = parser.parse_args()
    found = run(arguments.operations)
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        show(found)
    return 0 if all(found["reached"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
