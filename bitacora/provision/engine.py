"""The embedded engine: bring the cloud to what a Pulumi program says.

A first run makes every resource. A later run is planned first, without touching anything: what
is unchanged answers from the state, what a kind can change in place is changed, new resources are
made, and any other change is refused as a whole.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bitacora.provision.services  # noqa: F401  registers the kinds
from bitacora.provision import grants, invokes, program
from bitacora.provision.cloud import Cloud
from bitacora.provision.errors import ProvisionError, Refused
from bitacora.provision.kinds import KINDS, START_AGAIN, Kind, New
from bitacora.provision.program import Answer, Resource
from bitacora.provision.registered import Registered
from bitacora.provision.state import StateFile, Stored, changed, digests


@dataclass(frozen=True)
class Change:
    """`action`: "created" or "updated"; `inputs`: what changed, for an update."""

    action: str
    type: str
    name: str
    inputs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Result:
    """`resources`: components included, in the order they were registered."""

    exports: dict[str, Any]
    resources: list[Registered]
    changes: list[Change]


def up(
    program_dir: Path,
    config: Mapping[str, str],
    cloud: Cloud,
    state: StateFile,
    on_resource: Callable[[Change], None] = lambda change: None,
    *,
    project: str = "bitacora",
    stack: str = "embedded",
) -> Result:
    """Provision `program_dir`/__main__.py.

    `config`: Pulumi's keys, "kit:size"; a key without a namespace is one of `kit`. `on_resource` is
    called from several threads. Raises Refused when nothing was done, ProvisionError at the first
    failure; what was made until then is in `state`, and the next run goes on from there.
    """
    settings = {key if ":" in key else f"kit:{key}": value for key, value in config.items()}
    if (region := settings.get("aws:region", cloud.region)) != cloud.region:
        raise ProvisionError(f"aws:region is {region}; the embedded cloud is {cloud.region}")

    def run(handler: program.Handler, preview: bool) -> dict[str, Any]:
        return program.run(
            program_dir.resolve(),
            handler,
            settings,
            project=project,
            stack_name=stack,
            preview=preview,
        )

    if state.resources:
        plan = Plan(cloud, state)
        exports = run(plan, preview=True)
        plan.refuse()
        if not plan.pending:
            _check_grants(plan.registered)
            return Result(exports, plan.registered, [])
    apply = Apply(cloud, state, on_resource=on_resource)
    exports = run(apply, preview=False)
    _check_grants(apply.registered)
    return Result(exports, apply.registered, apply.changes)


def _check_grants(registered: list[Registered]) -> None:
    """Raises ProvisionError naming source, target and action of every call that nothing allows."""
    try:
        missing = grants.missing(registered)
    except LookupError as error:
        raise ProvisionError(f"Grants can't be checked: {error}") from error
    if missing:
        listed = "\n".join(f"  {edge}" for edge in missing)
        raise ProvisionError(f"A grant is missing in the program:\n{listed}")


@dataclass
class Run(ABC):
    """What a plan and its execution have in common: each resource is new, unchanged or changed."""

    cloud: Cloud
    state: StateFile
    changes: list[Change] = field(default_factory=list)
    registered: list[Registered] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def resource(self, declared: Resource) -> Answer:
        kind = KINDS.get(declared.type)
        if kind is None:
            raise ProvisionError("this type is not translated (bitacora/provision/services)")
        now, stored = digests(declared.inputs), self.state.resources.get(declared.urn)
        if stored is None:
            answer = self.create(declared, kind, now)
        elif not (differing := changed(stored.inputs, now) - declared.ignored):
            answer = Answer(stored.id, stored.outputs)
        elif differing <= kind.mutable & now.keys():
            answer = self.update(declared, kind, now, stored, differing)
        else:
            answer = self.replace(declared, stored, differing)
        self._register(declared, {"id": answer.id, **answer.outputs})
        return answer

    def component(self, declared: Resource) -> None:
        self._register(declared, {})

    def invoke(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        return invokes.invoke(self.cloud, token, args)

    @abstractmethod
    def create(self, declared: Resource, kind: Kind, now: dict[str, str]) -> Answer:
        """It isn't there. `now`: the digests of its inputs."""

    @abstractmethod
    def update(
        self,
        declared: Resource,
        kind: Kind,
        now: dict[str, str],
        stored: Stored,
        differing: frozenset[str],
    ) -> Answer:
        """The inputs that differ can be changed in place."""

    @abstractmethod
    def replace(self, declared: Resource, stored: Stored, differing: frozenset[str]) -> Answer:
        """They can't."""

    def _register(self, declared: Resource, outputs: Mapping[str, Any]) -> None:
        with self._lock:
            self.registered.append(
                Registered(
                    type=declared.type,
                    name=declared.name,
                    urn=declared.urn,
                    inputs=declared.inputs,
                    outputs=outputs,
                )
            )


@dataclass
class Plan(Run):
    """Touches nothing. `pending`: something is to be made or changed in place."""

    pending: bool = False
    refused: list[str] = field(default_factory=list)

    def create(self, declared: Resource, kind: Kind, now: dict[str, str]) -> Answer:
        self.pending = True
        return Answer(None, {})

    def update(
        self,
        declared: Resource,
        kind: Kind,
        now: dict[str, str],
        stored: Stored,
        differing: frozenset[str],
    ) -> Answer:
        self.pending = True
        return Answer(stored.id, stored.outputs)

    def replace(self, declared: Resource, stored: Stored, differing: frozenset[str]) -> Answer:
        self.refused.append(f"{declared}: {', '.join(sorted(differing))} changed")
        return Answer(stored.id, stored.outputs)

    def refuse(self) -> None:
        """Raises Refused naming every resource that can't be changed in place."""
        kept = {registered.urn for registered in self.registered}
        gone = [
            f"{stored.type} '{stored.name}': removed from the program"
            for urn, stored in self.state.resources.items()
            if urn not in kept
        ]
        if faults := [*self.refused, *gone]:
            listed = "\n".join(f"  {fault}" for fault in faults)
            raise Refused(
                f"Nothing was changed. These changes can't be made in place:\n{listed}\n"
                f"Start again with an empty environment: {START_AGAIN}"
            )


@dataclass
class Apply(Run):
    on_resource: Callable[[Change], None] = lambda change: None

    def create(self, declared: Resource, kind: Kind, now: dict[str, str]) -> Answer:
        made = kind.create(New(self.cloud, declared.inputs))
        outputs = dict(made.outputs)
        self.state.put(declared.urn, Stored(declared.type, declared.name, now, made.id, outputs))
        self._report(Change("created", declared.type, declared.name))
        return Answer(made.id, outputs)

    def update(
        self,
        declared: Resource,
        kind: Kind,
        now: dict[str, str],
        stored: Stored,
        differing: frozenset[str],
    ) -> Answer:
        news = kind.update(New(self.cloud, declared.inputs), stored.id, differing)
        outputs = {**stored.outputs, **news}
        self.state.put(declared.urn, Stored(declared.type, declared.name, now, stored.id, outputs))
        self._report(Change("updated", declared.type, declared.name, differing))
        return Answer(stored.id, outputs)

    def replace(self, declared: Resource, stored: Stored, differing: frozenset[str]) -> Answer:
        # The plan saw outputs from before an update; they have changed since.
        raise Refused(f"{', '.join(sorted(differing))} changed. Start again: {START_AGAIN}")

    def _report(self, change: Change) -> None:
        with self._lock:
            self.changes.append(change)
        self.on_resource(change)
