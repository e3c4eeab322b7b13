"""What an erasure destroyed must be gone; its commit is held like any other."""

from dataclasses import replace

import msgspec
import pytest

from bitacora.audit.consistency import inconsistencies
from bitacora.audit.orders import Orders
from bitacora.audit.source import View
from bitacora.audit.store_audit import Report, audit
from bitacora.audit.stream_audit import Clock
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Cause, Commit, following, sealed, timestamp
from reference_service.cqrs.gate import after
from reference_service.customer.codec import CustomerCodec
from reference_service.customer.events import PersonalDataErased
from tests.audit import orders
from tests.audit.plain import LATER, SCHEMAS, PlainStores, world

STREAM = "customer-ana"
KEY, NEWER_KEY = "5f0c6d1e2b7a", "0a1b2c3d4e5f"
GRACE_S = 60
PLANTED = "unfinished-erasure"


def erased(at: str, key: str = KEY) -> Commit:
    cause = Cause(
        command_id="erase", fingerprint="", actor="ana", causation="erase", correlation="erase"
    )
    body = CustomerCodec(SCHEMAS).encode([PersonalDataErased(key_id=key)])
    return following(
        None, stream=STREAM, cause=cause, body=body, count=1, at=at, commit_id="erasure"
    )


LONG_AGO = erased("2026-01-01T00:00:00.000Z")


@pytest.fixture
def stores() -> PlainStores:
    """A sound world in which Ana was erased long ago."""
    stores = world()
    put(stores, LONG_AGO)
    return stores


def put(stores: PlainStores, commit: Commit) -> None:
    stores.items[STREAM] = [to_item(commit)]
    stores.read_model[STREAM] = stores.looked_up[STREAM] = View(after(commit))


def audited(stores: PlainStores, stream: str | None = None) -> Report:
    return audit(stores, Orders(SCHEMAS), Clock(LATER, GRACE_S), stream=stream)


@pytest.mark.parametrize("key", [None, NEWER_KEY])
def test_a_key_that_is_gone_is_no_finding(stores: PlainStores, key: str | None) -> None:
    if key:
        stores.keys["ana"] = key  # she ordered again
    report = audited(stores)
    assert (report.findings, report.verdict) == ([], "holds")
    assert report.counts["events"] == audited(world()).counts["events"] + 1
    assert audited(stores, STREAM).verdict == "holds"


@pytest.mark.parametrize("stream", [None, STREAM])
def test_a_key_that_still_stands_is_one(stores: PlainStores, stream: str | None) -> None:
    stores.keys["ana"] = KEY
    [finding] = audited(stores, stream).findings
    assert (finding.stream, finding.commit, finding.kind) == (STREAM, 1, PLANTED)


def test_it_may_stand_for_the_grace_time(stores: PlainStores) -> None:
    stores.keys["ana"] = KEY
    put(stores, erased(timestamp(LATER)))
    assert audited(stores).findings == []


def test_an_event_that_breaks_its_contract_is_unreadable(stores: PlainStores) -> None:
    body = '[{"type":"PersonalDataErased","v":1,"data":{"key_id":"none"}}]'
    put(stores, sealed(msgspec.structs.replace(LONG_AGO, body=body)))
    assert [finding.kind for finding in audited(stores).findings] == ["unreadable-event"]


def test_an_order_event_in_a_customer_s_stream_is_unreadable(stores: PlainStores) -> None:
    body = '[{"type":"OrderCancelled","v":1,"data":{"reason":"other"}}]'
    put(stores, sealed(msgspec.structs.replace(LONG_AGO, body=body)))
    assert [finding.kind for finding in audited(stores).findings] == ["unreadable-event"]


def test_the_verdict_over_an_observation_wants_no_row_of_it() -> None:
    sound = orders.world()
    with_erasure = replace(
        sound,
        commits={**sound.commits, STREAM: (LONG_AGO,)},
        gates={**sound.gates, STREAM: after(LONG_AGO)},
    )
    assert inconsistencies(with_erasure, orders.PUBLIC) == []
