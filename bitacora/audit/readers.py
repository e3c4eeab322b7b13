"""The two ways to a read model: into its database, and through the operations function."""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from bitacora.audit.paging import PagedStores
from bitacora.audit.reading import NAMES, CloudStores, Stores, stores_of
from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import Problem
from bitacora.targets import Target, invoke, output
from reference_service.aws.audit_views import AuditViews
from reference_service.aws.postgres import Database
from reference_service.cqrs.store import Unavailable


def source_of(target: Target) -> PagedStores:
    """Raises Problem for a target that is not there, or lacks what is to be read."""
    if isinstance(target, Environment):
        return directly(stores_of(target))
    return through_operations(target)


def directly(stores: Stores) -> PagedStores:
    """With the superuser of a database that is reachable, in sessions that can only read."""

    def connect() -> "psycopg.Connection[Any]":
        read_only = "-c default_transaction_read_only=on"
        return psycopg.connect(stores.database, options=read_only, autocommit=True)

    return PagedStores(stores, AuditViews(Database(connect)))


def through_operations(target: Target) -> PagedStores:
    """With the caller's credentials for AWS: Aurora is private, a function stands before it."""
    names = {name: output(target, name) for name in NAMES}
    stores = CloudStores(dynamodb=target.client("dynamodb"), s3=target.client("s3"), **names)
    return PagedStores(stores, OperatedViews(target))


class OperatedViews:
    def __init__(self, target: Target) -> None:
        self._target = target

    def views(self, streams: Sequence[str]) -> list[dict[str, Any]]:
        asked = {"operation": "views", "streams": list(streams)}
        found: list[dict[str, Any]] = self._asked(asked)["views"]
        return found

    def viewed(self, cursor: str | None) -> dict[str, Any]:
        page: dict[str, Any] = self._asked({"operation": "viewed", "cursor": cursor})
        return page

    def wrong_sums(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._asked({"operation": "wrong-sums"})["sums"]
        return found

    def _asked(self, event: Mapping[str, Any]) -> Any:
        try:
            return invoke(self._target, "operations", event)
        except Problem as problem:
            raise Unavailable(problem.what) from problem
