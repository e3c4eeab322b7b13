"""Public events → the ledger in S3, each once under its id."""

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from reference_service import bootstrap
from reference_service.functions.queue import consume_events
from reference_service.settings import LedgerSettings

ledger = bootstrap.ledger(LedgerSettings.from_environment(os.environ))


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    return consume_events("ledger", event, ledger.schemas, _record)


def _record(cloud_event: dict[str, Any]) -> str:
    new = ledger.objects.record(cloud_event["id"], msgspec.json.encode(cloud_event))
    return "Recorded" if new else "Repeated"
