"""Clocks of functions that are wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pytest_bdd import given, then

from features.harness import skew
from features.harness.kit import Kit
from features.harness.scene import Scene

# Whose clock is wrong by more than five minutes is refused by AWS, with every call.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
MOST_S = 240
FOLDER = str(Path(skew.__file__).parent)
# Those whose clocks come into what is stored or told.
SKEWED = ("command", "command-worker", "fulfilment", "projector", "publisher", "query", "relay")
# Well beyond how long the scenario takes.
WRONG_BY = timedelta(minutes=2)


@given("the clocks of the functions are wrong, by up to 4 minutes, each in its own way")
def wrong_clocks(kit: Kit) -> Iterator[None]:
    """By the environment variables of their configuration, put back in every case. The command
    function's is well ahead, and the one of the saga's as far behind."""
    client, random = kit.target.client("lambda"), kit.witness.random
    before = {}
    for key in SKEWED:
        name = kit.outputs["functions"][key]
        before[name] = client.get_function_configuration(FunctionName=name)["Environment"]
        skew_s = {"command": MOST_S, "command-worker": -MOST_S}.get(
            key, random.randint(-MOST_S, MOST_S)
        )
        variables = before[name]["Variables"] | {"PYTHONPATH": FOLDER, "SKEW_S": str(skew_s)}
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
    yield
    for name, environment in before.items():
        client.update_function_configuration(FunctionName=name, Environment=environment)


@then("in each history versions follow each other, and time does not run backwards")
def in_order(kit: Kit, scene: Scene) -> None:
    wrong = 0
    for stream in scene.streams:
        commits = kit.commits(stream)
        versions = [v for one in commits for v in range(one.first, one.first + one.count)]
        assert versions == list(range(1, len(versions) + 1)), commits
        moments = [datetime.fromisoformat(commit.at) for commit in commits]
        assert moments == sorted(moments), commits
        wrong += sum(abs(moment - datetime.now(UTC)) > WRONG_BY for moment in moments)
    kit.witness.struck("a commit is made by a clock that is wrong", wrong)
