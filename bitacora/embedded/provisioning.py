"""The Pulumi program's configuration for this target, its run, and what it exported."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml  # type: ignore[import-untyped]

from bitacora.embedded import fingerprint, parts
from bitacora.embedded.ports import LOOPBACK
from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.embedded.state import State, replace_private

if TYPE_CHECKING:  # the Pulumi SDK takes a second to import, and most commands do not need it
    from bitacora.delivery.client import DeliveryClient
    from bitacora.provision.engine import Change

STACK = "embedded"
NAMESPACE = "kit:"
OUTPUTS_FILE, RESOURCES_FILE, DONE_FILE = "outputs.json", "resources.jsonl", "provisioned.json"


@dataclass(frozen=True)
class Provisioned:
    """`exports` of the program, what was `changed` in this run, and resources by type."""

    exports: dict[str, Any]
    changed: list["Change"]
    resources: Counter[str]


class Done(msgspec.Struct, frozen=True):
    """What a run of the program was made from, and how many resources it declared of each type."""

    fingerprint: str
    resources: dict[str, int]


def declared(project: Path) -> dict[str, str]:
    """Pulumi.embedded.yaml over the values of Pulumi.yaml.

    Raises UsageProblem naming the file that cannot be read.
    """
    entries = _yaml(project / "Pulumi.yaml").get("config") or {}
    values = {
        key: entry["value"] if isinstance(entry, dict) else entry
        for key, entry in entries.items()
        if not isinstance(entry, dict) or "value" in entry
    }
    values |= _yaml(project / f"Pulumi.{STACK}.yaml").get("config") or {}
    return {key: _text(value) for key, value in values.items()}


def configuration(project: Path, state: State) -> dict[str, str]:
    """What is declared, and what only this start knows. Raises UsageProblem."""
    return declared(project) | {
        f"{NAMESPACE}endpoint": parts.endpoint(state),
        f"{NAMESPACE}jwtIssuer": parts.issuer_url(state),
        f"{NAMESPACE}databasePort": str(state.ports[parts.DOOR_PORT]),
    }


def project_name(project: Path) -> str:
    """The name that Pulumi.yaml gives."""
    return str(_yaml(project / "Pulumi.yaml").get("name", "bitacora"))


def audience(project: Path) -> str:
    """Whom a customer's token is for: the first of `kit:jwtAudience`."""
    value = declared(project).get(f"{NAMESPACE}jwtAudience", "[]")
    try:
        names = json.loads(value)
        return str(names[0])
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise UsageProblem(
            f'{NAMESPACE}jwtAudience is {value!r}, not a list of names like ["orders"].',
            f"Correct Pulumi.{STACK}.yaml.",
        ) from error


def apply(
    home: Path,
    project: Path,
    state: State,
    delivery: "DeliveryClient",
    on_resource: Callable[["Change"], None],
    overrides: Mapping[str, str],
) -> Provisioned:
    """Bring the cloud to what infra/ says, unless that is what it was brought to last. Raises
    Problem with the engine's own message.

    `overrides` are config values that go before every other.
    """
    config = configuration(project, state) | dict(overrides)
    wanted, done = fingerprint.of(project, config), _done(home)
    if done and done.fingerprint == wanted and (home / OUTPUTS_FILE).exists():
        return Provisioned(outputs(home), [], Counter(done.resources))

    import pulumi

    from bitacora.provision import engine
    from bitacora.provision.cloud import Cloud
    from bitacora.provision.errors import ProvisionError
    from bitacora.provision.state import StateFile

    cloud = Cloud(
        endpoint=parts.endpoint(state),
        database_admin_dsn=parts.postgres(home, state).admin_dsn,
        database_host=LOOPBACK,
        database_port=state.ports[parts.DOOR_PORT],
        delivery=delivery,
    )
    (home / DONE_FILE).unlink(missing_ok=True)
    try:
        result = engine.up(
            project / "infra",
            config,
            cloud,
            StateFile(home / RESOURCES_FILE),
            on_resource,
            project=project_name(project),
            stack=STACK,
        )
    except ProvisionError as error:
        if isinstance(error.__cause__, pulumi.RunError):  # the program refuses its configuration
            raise UsageProblem(
                str(error), f"Correct Pulumi.{STACK}.yaml, or Pulumi.yaml where every stack has it."
            ) from error
        raise Problem(str(error)) from error
    resources = Counter(registered.type for registered in result.resources)
    replace_private(home / OUTPUTS_FILE, json.dumps(result.exports, indent=2).encode())
    replace_private(home / DONE_FILE, msgspec.json.encode(Done(wanted, resources)))
    return Provisioned(result.exports, result.changes, resources)


def is_provisioned(home: Path) -> bool:
    """Whether a run of the program came to its end."""
    return (home / DONE_FILE).exists()


def _done(home: Path) -> Done | None:
    """The last run that came to its end; None when that cannot be read: it will be run again."""
    try:
        return msgspec.json.decode((home / DONE_FILE).read_bytes(), type=Done)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None


def outputs(home: Path) -> dict[str, Any]:
    """What the program exported. Raises Problem when nothing is provisioned."""
    try:
        exports: dict[str, Any] = json.loads((home / OUTPUTS_FILE).read_bytes())
    except FileNotFoundError:
        raise Problem(f"Nothing is provisioned in {home}.", "Run `bitacora up`.") from None
    return exports


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise UsageProblem(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UsageProblem(f"{path} is no YAML mapping.")
    return content


def _text(value: object) -> str:
    """Pulumi's config values are text: booleans and lists in their JSON form."""
    return value if isinstance(value, str) else json.dumps(value)
