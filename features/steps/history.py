"""What the event store holds of an order."""

from pytest_bdd import parsers, then

from bitacora.audit.chain import chain
from bitacora.audit.consistency import inconsistencies
from bitacora.audit.reading import public_types
from features.harness.kit import Kit
from features.harness.scene import Scene


@then(
    parsers.re(r"its history holds (?P<count>\d+) versions? without a gap"),
    converters={"count": int},
)
def gapless(kit: Kit, scene: Scene, count: int) -> None:
    seen = kit.observe().of(lambda stream: stream == scene.stream)
    versions = [
        version
        for commit in seen.commits[scene.stream]
        for version in range(commit.first, commit.first + commit.count)
    ]
    assert versions == list(range(1, count + 1))
    found = inconsistencies(seen, public_types())
    assert [each for each in found if each.where == "event store"] == []


@then("of them all its history holds the accepted command alone, without a gap")
def accepted_alone(kit: Kit, scene: Scene) -> None:
    """A commit for each command that was accepted, and after them what others made of it."""
    commits = kit.commits(scene.stream)
    assert list(chain(commits)) == []
    told = [
        one.answer.body["commit"]
        for one in kit.history.exchanges
        if not isinstance(one.request, str) and one.answer and one.answer.status in (200, 201)
    ]
    asked = [one.commit for one in commits if one.actor == scene.owner.customer_id]
    assert asked == sorted(told) == list(range(1, len(told) + 1))


@then("the payment stands in its history once")
def payment_once(kit: Kit, scene: Scene) -> None:
    payment_id = scene.last_request.body["payment_id"]
    commits = kit.commits(scene.stream)
    assert [payment_id in commit.body for commit in commits].count(True) == 1
