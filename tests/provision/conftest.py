"""Small programs of their own, brought up on the session's emulator."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bitacora.provision.cloud import Cloud
from bitacora.provision.engine import Change, Result, up
from bitacora.provision.kinds import KINDS
from bitacora.provision.state import StateFile
from tests.emulator import Emulator

PREAMBLE = """
import json
import pulumi
import pulumi_aws as aws

def document(*statements):
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})

def allow(action, resource):
    return {"Effect": "Allow", "Action": action, "Resource": resource}

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
"""


@dataclass
class RecordedDelivery:
    """What the delivery engine was told."""

    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def put_mapping(self, uuid: str, request: Mapping[str, Any]) -> None:
        self.mappings[uuid] = dict(request)


@dataclass
class Bench:
    """A program's folder, its state, and the cloud that it is brought up on."""

    folder: Path
    cloud: Cloud
    delivery: RecordedDelivery

    @property
    def state_path(self) -> Path:
        return self.folder / "resources.jsonl"

    def write(self, program: str) -> None:
        (self.folder / "infra").mkdir(exist_ok=True)
        text = PREAMBLE + textwrap.dedent(program)
        (self.folder / "infra" / "__main__.py").write_text(text)

    def up(
        self,
        config: Mapping[str, str] | None = None,
        on_resource: Callable[[Change], None] = lambda change: None,
    ) -> Result:
        state = StateFile(self.state_path)
        return up(self.folder / "infra", config or {}, self.cloud, state, on_resource)


@pytest.fixture
def bench(emulator: Emulator, tmp_path: Path) -> Bench:
    delivery = RecordedDelivery()
    cloud = Cloud(
        endpoint=emulator.endpoint,
        database_admin_dsn="host=/nowhere",
        database_host="127.0.0.1",
        database_port=1,
        delivery=delivery,
    )
    return Bench(tmp_path, cloud, delivery)


@pytest.fixture
def unreached(tmp_path: Path) -> Bench:
    """For programs that must be refused before any call: nothing listens there."""
    delivery = RecordedDelivery()
    cloud = Cloud(
        endpoint="http://127.0.0.1:9",
        database_admin_dsn="host=/nowhere",
        database_host="127.0.0.1",
        database_port=1,
        delivery=delivery,
    )
    return Bench(tmp_path, cloud, delivery)


@pytest.fixture
def kinds() -> Iterator[dict[str, Any]]:
    """The registry, put back afterwards: a test may add kinds of its own."""
    before = dict(KINDS)
    yield KINDS
    KINDS.clear()
    KINDS.update(before)
