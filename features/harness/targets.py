"""Where the scenarios run: what a target offers, and what it says of those that it cannot run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from bitacora.audit.observation import Observation
from bitacora.audit.reading import Stores, observe, stores_of
from bitacora.embedded.environment import Environment
from bitacora.faults import FaultProxy
from tests.homes import temporary_home

# What a scenario may need besides the public API, by its tag; the reason that is told where a
# target does not offer it.
TO_SPOIL = "needs-an-environment-to-spoil"
NEEDS = {
    "needs-stream-faults": "the event source mappings of AWS repeat and delay when they like",
    "needs-lost-answers": "nothing stands between the functions and the cloud",
    "needs-the-database": "the database cannot be stopped or reached directly",
    "needs-the-stores": "nothing is stored or changed past the service there",
    TO_SPOIL: "the deployment or what is stored would be changed for everybody",
    "needs-the-processes": "a function cannot be ended in the middle, nor its clock be changed",
}

# No reconciliation during a scenario: it would heal what a scenario is to find missing.
CONFIG = {"kit:reconcileMinutes": "60"}


class Target(Protocol):
    """`offers` are tags of NEEDS; `outputs` what the program exports (infra/exports.py)."""

    name: str
    offers: frozenset[str]

    @property
    def outputs(self) -> Mapping[str, Any]: ...

    def client(self, service: str) -> Any:
        """A boto3 client, one per service."""

    def token(self, subject: str, scope: str = "") -> str:
        """A bearer token for the API."""

    def observe(self, *, ledger: bool = True) -> Observation:
        """What all stores hold; the ledger may be left out."""


@dataclass(frozen=True)
class Embedded:
    """An environment of its own, its functions behind a proxy; everything else reaches the cloud
    directly."""

    environment: Environment
    proxy: FaultProxy
    stores: Stores
    name: str = "embedded"
    offers: frozenset[str] = frozenset(NEEDS)

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.environment.outputs

    def client(self, service: str) -> Any:
        return self.environment.client(service)

    def token(self, subject: str, scope: str = "") -> str:
        return self.environment.token(subject, scope=scope)

    def observe(self, *, ledger: bool = True) -> Observation:
        return observe(self.stores, ledger=ledger)


@contextmanager
def embedded() -> Iterator[Embedded]:
    """Started in a folder of its own, and ended with it. Raises Problem."""
    with (
        temporary_home() as home,
        FaultProxy(lambda: Environment(home).endpoint) as proxy,
    ):
        environment = Environment(home, config=CONFIG | {"kit:endpoint": proxy.url})
        environment.start()
        yield Embedded(environment, proxy, stores_of(environment))
