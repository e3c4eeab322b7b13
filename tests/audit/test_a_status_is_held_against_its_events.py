"""What order_status holds of an order is what its events up to the gate come to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bitacora.audit.source import Marker, View
from bitacora.audit.store_audit import audit
from bitacora.audit.stream_audit import Clock
from reference_service.bootstrap import project_status
from reference_service.cqrs.gate import Gate, after
from tests.audit.plain import CANCEL, CODEC, LATER, SHIPPED, PlainStores, world
from tests.audit.test_the_audit_names_what_was_planted import NOBODY, ORDERS, found

Spoil = Callable[[View], View]


def looked_up(stores: PlainStores, stream: str, reached: int) -> View:
    """The item of an order of which so many commits were applied."""
    status, project = None, project_status(CODEC)
    commits = stores.commits(stream)[:reached]
    for commit in commits:
        status = project(status, commit)
    shown = {k: v for k, v in msgspec.structs.asdict(status).items() if v is not None}
    return View(after(commits[-1]), {"at": commits[-1].at, **shown})


def with_statuses() -> PlainStores:
    stores = world()
    stores.looked_up = {
        SHIPPED: looked_up(stores, SHIPPED, 4),
        CANCEL: looked_up(stores, CANCEL, 2),
    }
    return stores


def audited(stores: PlainStores) -> Any:
    return audit(stores, ORDERS, Clock(LATER, 60))


def row(**attributes: Any) -> Spoil:
    return lambda view: replace(view, row={**(view.row or {}), **attributes})


def test_what_was_projected_holds() -> None:
    report = audited(with_statuses())
    assert report.verdict == "holds"
    assert (report.counts["statuses"], report.counts["statuses behind"]) == (2, 0)


def test_a_status_that_is_behind_is_counted_and_no_finding() -> None:
    stores = with_statuses()
    stores.looked_up[SHIPPED] = looked_up(stores, SHIPPED, 2)
    del stores.looked_up[CANCEL]
    report = audited(stores)
    assert report.verdict == "holds"
    assert (report.counts["statuses"], report.counts["statuses behind"]) == (1, 2)


MARKER = Marker("status-projector", SHIPPED, 5, "unreadable record")


@pytest.mark.parametrize(
    ("spoil", "commit", "kind", "detail"),
    [
        pytest.param(row(paid=1), 4, "altered-row", "order_status: differs in paid", id="edited"),
        pytest.param(row(vat=1), 4, "altered-row", "order_status: differs in vat", id="added"),
        pytest.param(row(at=""), 4, "altered-row", "order_status: differs in at", id="moment"),
        pytest.param(
            lambda view: replace(view, row=None),
            4,
            "altered-row",
            "order_status: there is no row",
            id="a gate alone",
        ),
        pytest.param(
            lambda view: replace(view, gate=None),
            None,
            "altered-row",
            "order_status: a row without a gate",
            id="a row alone",
        ),
        pytest.param(
            lambda view: replace(view, gate=Gate(4, "f" * 64)),
            4,
            "fork",
            "order_status: the gate's hash is not the commit's",
            id="another history",
        ),
        pytest.param(
            lambda view: replace(view, gate=Gate(5, "f" * 64)),
            5,
            "ahead",
            "order_status: its gate is at commit 5, the store's last is 4",
            id="ahead of the store",
        ),
        pytest.param(
            lambda view: replace(view, parked=MARKER),
            5,
            "parked",
            "status-projector: unreadable record",
            id="parked",
        ),
    ],
)
def test_a_status_that_says_something_else_is_found(
    spoil: Spoil, commit: int | None, kind: str, detail: str
) -> None:
    stores = with_statuses()
    stores.looked_up[SHIPPED] = spoil(stores.looked_up[SHIPPED])
    report = audited(stores)
    assert found(report) == [(SHIPPED, commit, kind)]
    assert report.findings[0].detail == detail


def test_a_status_of_no_order_is_found() -> None:
    stores = with_statuses()
    stores.looked_up[NOBODY] = stores.looked_up[SHIPPED]
    assert found(audited(stores)) == [(NOBODY, 4, "ahead")]
