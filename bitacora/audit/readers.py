"""The two ways to a read model: into its database, and through the operations function."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import psycopg

from bitacora.audit.paging import PagedStores
from bitacora.audit.reading import NAMES, CloudStores, Stores
from reference_service.aws.audit_views import AuditViews
from reference_service.aws.postgres import Database


class Target(Protocol):
    """What is asked of a target."""

    @property
    def outputs(self) -> Mapping[str, Any]: ...

    def client(self, service: str) -> Any: ...

    def invoke(self, function_key: str, event: Mapping[str, Any]) -> Any: ...


def directly(stores: Stores) -> PagedStores:
    """With the superuser of a database that is reachable, in sessions that can only read."""

    def connect() -> "psycopg.Connection[Any]":
        read_only = "-c default_transaction_read_only=on"
        return psycopg.connect(stores.database, options=read_only, autocommit=True)

    return PagedStores(stores, AuditViews(Database(connect)))


def through_operations(target: Target) -> PagedStores:
    """With the caller's credentials for AWS: Aurora is private, a function stands before it."""
    names = {name: target.outputs[name] for name in NAMES}
    stores = CloudStores(dynamodb=target.client("dynamodb"), s3=target.client("s3"), **names)
    return PagedStores(stores, OperatedViews(target))


class OperatedViews:
    def __init__(self, target: Target) -> None:
        self._target = target

    def views(self, streams: Sequence[str]) -> list[dict[str, Any]]:
        asked = {"operation": "views", "streams": list(streams)}
        found: list[dict[str, Any]] = self._target.invoke("operations", asked)["views"]
        return found

    def viewed(self, cursor: str | None) -> dict[str, Any]:
        asked = {"operation": "viewed", "cursor": cursor}
        page: dict[str, Any] = self._target.invoke("operations", asked)
        return page
