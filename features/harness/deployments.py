"""Functions of an environment deployed anew, with code that knows other versions of an event."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from bitacora.contracts.generate import artefacts
from bitacora.provision.archives import zipped
from features.harness import contracts
from features.harness.kit import Kit
from infra.deployment import packaged

PROJECT = Path(__file__).resolve().parents[2]
# What the types of the events are generated from, and where the other generated files go.
SOURCES = ("contracts", "docs/catalogue.md", "infra/routing.json", "pyproject.toml")


def newer(root: Path, event: str, change: Callable[[contracts.Schema], None]) -> tuple[bytes, str]:
    """The package of a deployment that knows one more version of an event, and that version's name.

    Its tree is made in `root`, an empty folder.
    """
    for part in ("reference_service", *SOURCES):
        copy = root / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / part).is_dir():
            shutil.copytree(PROJECT / part, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / part, copy)
    _, name = contracts.add_version(root / "contracts", event, change)
    artefacts.write(root)
    return zipped(packaged(root)), name


def deploy(kit: Kit, functions: Iterable[str], package: bytes) -> None:
    """These functions, by their keys in the output `functions`, run this code from now on."""
    client = kit.target.client("lambda")
    for key in functions:
        client.update_function_code(FunctionName=kit.outputs["functions"][key], ZipFile=package)


def write_also(kit: Kit, function: str, schema: str) -> None:
    """The function writes an event by this schema from now on, as `kit:writes` would have it."""
    client, name = kit.target.client("lambda"), kit.outputs["functions"][function]
    configured = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    event = schema.rpartition("/")[0]
    others = [one for one in configured["WRITES"].split(",") if one.rpartition("/")[0] != event]
    variables = configured | {"WRITES": ",".join([*others, schema])}
    client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
