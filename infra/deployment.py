"""What every component shares: how things are named, where they are, what runs in the functions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from infra import settings
from infra.settings import ConfigError, Settings

ROOT = Path(__file__).resolve().parent.parent
# Of contracts/ what functions read: the schemas that they check and decode by.
PACKAGED = (
    "reference_service/**/*",
    "contracts/commands/*/v*.json",
    "contracts/envelope/v*.json",
    "contracts/events/*/*/v*.json",
    "contracts/types/*/v*.json",
)
# Buckets have 63 characters, of which 22 are "-failures-<account>"; EventBridge archives have 48.
PREFIX = re.compile(r"[a-z][a-z0-9-]{0,35}")


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One stack in one account and region. `layers` are the ARNs of the functions' dependencies."""

    prefix: str
    account_id: str
    region: str
    zones: Sequence[str]
    settings: Settings
    code: pulumi.Archive
    layers: Sequence[pulumi.Input[str]]

    def name(self, logical: str) -> str:
        return f"{self.prefix}-{logical}"

    def bucket_name(self, logical: str) -> str:
        """Bucket names are shared by all accounts of AWS."""
        return f"{self.prefix}-{logical}-{self.account_id}"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{resource}"


def current() -> Deployment:
    """The running stack. Raises ConfigError."""
    prefix = f"{pulumi.get_project()}-{pulumi.get_stack()}"
    if not PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"the project and stack name make {prefix!r}; allowed: at most 36 of a-z, 0-9 and -"
        )
    loaded = settings.load()
    return Deployment(
        prefix=prefix,
        account_id=aws.get_caller_identity().account_id,
        region=aws.get_region().region,
        zones=aws.get_availability_zones(state="available").names[:2],
        settings=loaded,
        code=packaged(),
        layers=_layers(prefix, loaded.dependencies_layer),
    )


def packaged(root: Path = ROOT) -> pulumi.AssetArchive:
    """The code of every function, file by file: compiled leftovers would change it on each run."""
    files = [
        path
        for pattern in PACKAGED
        for path in sorted(root.glob(pattern))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    return pulumi.AssetArchive(
        {path.relative_to(root).as_posix(): pulumi.FileAsset(str(path)) for path in files}
    )


def _layers(prefix: str, folder: Path | None) -> list[pulumi.Input[str]]:
    if folder is None:
        return []
    if not (ROOT / folder).is_dir():
        raise ConfigError(
            f"kit:dependenciesLayer is {str(folder)!r}; allowed: an existing folder. Make it with: "
            "make layer"
        )
    layer = aws.lambda_.LayerVersion(
        "dependencies",
        layer_name=f"{prefix}-dependencies",
        code=pulumi.FileArchive(str(ROOT / folder)),
        compatible_runtimes=["python3.13"],
        compatible_architectures=["arm64"],
    )
    return [layer.arn]
