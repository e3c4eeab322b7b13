"""Reads of the projection, and what they say of themselves."""

from pytest_bdd import parsers, then, when

from bitacora.audit.until import until
from features.harness.customers import Answer
from features.harness.scene import Scene


@when("asks for the order at the version that the payment made")
def read_at_least(scene: Scene) -> None:
    scene.answers.append(_read_made_version(scene))


@then("that version of the order is shown")
def shown(scene: Scene) -> None:
    assert _shown(scene.answers[-1]) == scene.made_version, scene.answers[-1]


@then(parsers.parse("the customer is told that only version {version:d} is visible yet"))
def not_yet(scene: Scene, version: int) -> None:
    answer = scene.answers[-1]
    told = (answer.status, answer.body.get("type"), answer.body.get("version"))
    assert told == (503, "urn:bitacora:problem:not-yet-visible", version)
    assert int(answer.headers["retry-after"]) > 0


@then(parsers.parse("an ordinary read still shows version {version:d}"))
def ordinary_read(scene: Scene, version: int) -> None:
    assert _shown(scene.owner.read(f"/orders/{scene.order_id}")) == version


@then(
    parsers.parse(
        "within {seconds:d} seconds the order is shown at the version that the payment made"
    )
)
def shown_soon(scene: Scene, seconds: int) -> None:
    until(
        "the version that the payment made",
        lambda: _read_made_version(scene),
        lambda answer: _shown(answer) == scene.made_version,
        at_most_s=seconds,
    )


def _read_made_version(scene: Scene) -> Answer:
    return scene.owner.read(f"/orders/{scene.order_id}?min_version={scene.made_version}")


def _shown(answer: Answer) -> int | None:
    return answer.body["version"] if answer.status == 200 else None
