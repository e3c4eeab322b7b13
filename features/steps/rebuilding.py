"""A read model that is built anew beside the live one, and takes its place."""

from collections.abc import Callable
from typing import Any

from pytest_bdd import then, when

from bitacora.audit.until import until
from bitacora.targets import invoke
from features.harness.kit import Kit

REBUILT_WITHIN_S = 120
ENDED = ("live", "refused")


@when("the read model is rebuilt", target_fixture="progress")
def rebuild(kit: Kit) -> dict[str, Any]:
    return rebuilt(kit)


@then("the new tables were compared with the old ones and nothing differed")
def compared(kit: Kit, progress: dict[str, Any]) -> None:
    assert progress["phase"] == "live", progress
    assert progress["differences"] == [], progress
    assert progress["streams"] > 0, progress
    kit.witness.saw("rebuilt streams", progress["streams"])


def rebuilt(kit: Kit, begun: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """By slices of the operations function, to the end; what was replaced is dropped. The last
    progress that was told. `begun` is called before anything was built."""
    progress = _slice(kit, "begin")
    assert progress
    begun()

    def go_on() -> dict[str, Any]:
        nonlocal progress
        if progress["phase"] not in ENDED:
            # None: the scheduled reconcile has ended it.
            progress = _slice(kit, "go-on") or {**progress, "phase": "live"}
        return progress

    until(
        "the rebuild has ended",
        go_on,
        lambda told: told["phase"] in ENDED,
        at_most_s=REBUILT_WITHIN_S,
    )
    _slice(kit, "drop-old")
    return progress


def _slice(kit: Kit, action: str) -> dict[str, Any]:
    answer = invoke(kit.target, "operations", {"operation": "rebuild", "action": action})
    found: dict[str, Any] = answer.get("rebuild")
    return found
