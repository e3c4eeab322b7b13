"""One environment for all scenarios; each scenario ends in a verdict, its own and the checker's."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from bitacora.embedded.problem import Problem
from features.harness import targets
from features.harness.deployed import TARGETS, deployed
from features.harness.history import History
from features.harness.kit import Kit
from features.harness.promises import promise_of
from features.harness.scene import Scene
from features.harness.targets import NEEDS, TO_SPOIL, Target
from features.harness.witness import Step, Witness
from features.report import plugin

STEPS = (
    "orders",
    "commands",
    "history",
    "faults",
    "queues",
    "log",
    "downstream",
    "reads",
    "evolution",
    "mixed",
    "isolation",
    "alarms",
    "rebuilding",
    "readers",
    "past",
    "audit",
    "clocks",
    "erasure",
)
SEEDS = 2**32


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("promises")
    group.addoption("--seed", type=int, help="what is left to chance in scenarios, to replay them")
    group.addoption("--promise", type=int, action="append", help="only this one; repeatable")
    group.addoption("--target", choices=TARGETS, default="embedded", help="where they run")
    group.addoption("--stack", help="the deployed stack, asked of the Pulumi CLI")
    group.addoption("--outputs", type=Path, metavar="FILE", help="its saved outputs instead")
    group.addoption("--tokens", metavar="COMMAND", help="prints a token for {subject} and {scope}")
    group.addoption("--report", type=Path, metavar="FILE", help="write a page about the run")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "promise(number): which of the thirty it keeps")
    config.addinivalue_line("markers", "needs(tag): what a target has to offer")
    for concept in STEPS:
        config.pluginmanager.import_plugin(f"features.steps.{concept}")
    config.pluginmanager.register(plugin)
    report = config.getoption("--report")
    if report and not hasattr(config, "workerinput"):
        config.pluginmanager.register(plugin.Reporter(report))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What spoils the environment for others comes last, by promise: so the later ones can bear
    what the earlier ones left."""
    scenarios = [n for n, item in enumerate(items) if item.get_closest_marker("promise")]
    ordered = sorted((items[n] for n in scenarios), key=_spoiling)
    for n, item in zip(scenarios, ordered, strict=True):
        items[n] = item
    wanted = config.getoption("--promise")
    if not wanted:
        return
    marked = [(item, item.get_closest_marker("promise")) for item in items]
    kept = [item for item, promise in marked if promise and promise.args[0] in wanted]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _spoiling(item: pytest.Item) -> int:
    """0, or the promise of a scenario that spoils its environment."""
    promise = item.get_closest_marker("promise")
    spoils = any(need.args[0] == TO_SPOIL for need in item.iter_markers("needs"))
    return promise.args[0] if promise and spoils else 0


def pytest_bdd_apply_tag(tag: str, function: Any) -> bool | None:
    if number := promise_of([tag]):
        pytest.mark.promise(number)(function)
    elif tag in NEEDS:
        pytest.mark.needs(tag)(function)
    else:
        return None
    return True


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """Of the whole run; each scenario draws from it by its own name."""
    given = request.config.getoption("--seed")
    return secrets.randbelow(SEEDS) if given is None else int(given)


@pytest.fixture(scope="package")
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Once for all scenarios. One that cannot be used ends the run with exit code 2, or 1."""
    name, stack, outputs, tokens = (
        request.config.getoption(option)
        for option in ("--target", "--stack", "--outputs", "--tokens")
    )
    if name == "embedded":
        with targets.embedded() as started:
            yield started
        return
    try:
        yield deployed(name, stack, outputs, tokens)
    except Problem as problem:
        pytest.exit(f"{problem.what} {problem.remedy}", returncode=problem.exit_code)


@pytest.fixture
def witness(request: pytest.FixtureRequest, seed: int) -> Witness:
    """What this scenario sees; a failing one prints how to replay it."""
    where = request.node.nodeid
    replay = f"pytest '{where}' --seed {seed}"
    request.node.add_report_section("call", "replay", replay)
    witness = Witness(Random(f"{seed} {where}"), replay)
    request.node.stash[plugin.WITNESS] = witness
    return witness


@pytest.fixture
def kit(witness: Witness, target: Target) -> Iterator[Kit]:
    """The kit, free of faults before and after each scenario."""
    kit = Kit(target, witness, History())
    witness.judges.append(kit.refuse_history)
    witness.tellers.append(kit.tell)
    yield kit
    kit.end_faults()


@pytest.fixture
def scene() -> Scene:
    """What the steps of one scenario talk about."""
    return Scene()


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, feature: Any, scenario: Any) -> None:
    witness: Witness = request.getfixturevalue("witness")
    witness.feature, witness.scenario = feature.name, scenario.name
    if request.config.getoption("--target") == "embedded":
        return  # it offers everything
    target: Target = request.getfixturevalue("target")
    for need in request.node.iter_markers("needs"):
        if need.args[0] not in target.offers:
            pytest.skip(f"not applicable on {target.name}: {NEEDS[need.args[0]]}")


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    witness = request.getfixturevalue("witness")
    witness.steps.append(Step(step.keyword, step.name, monotonic()))


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    step = request.getfixturevalue("witness").steps[-1]
    step.seconds, step.status = monotonic() - step.began, "passed"


def pytest_bdd_step_error(request: pytest.FixtureRequest) -> None:
    step = request.getfixturevalue("witness").steps[-1]
    step.seconds = monotonic() - step.began


def pytest_bdd_after_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    """A scenario whose steps all passed is still judged: by its history, and by what it saw."""
    witness: Witness = request.getfixturevalue("witness")
    witness.tell()
    if [step.status for step in witness.steps] == ["passed"] * len(scenario.steps):
        witness.judge()
