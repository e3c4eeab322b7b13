"""A stack that the Pulumi CLI deployed: its outputs, and clients with the caller's credentials."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bitacora.embedded.environment import PROJECT
from bitacora.embedded.problem import Problem, UsageProblem

PULUMI_TIMEOUT_S = 60
# An operation of the service's own function answers within its timeout of a minute.
READ_TIMEOUT_S = 70


@dataclass
class Stack:
    """`name` is asked of the Pulumi CLI, unless `saved` holds what it printed.

    boto3 takes credentials, region and endpoints from its usual environment.
    """

    name: str
    saved: Path | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def outputs(self) -> Mapping[str, Any]:
        """Raises Problem, and UsageProblem for a file that holds no outputs."""
        if self.saved is None:
            return _object(_asked(self.name), f"The outputs of the stack {self.name}")
        try:
            text = self.saved.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(f"{self.saved} cannot be read: {error}.") from error
        return _object(text, str(self.saved))

    def client(self, service: str) -> Any:
        """Raises Problem without credentials' region."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import NoRegionError

            bounds = Config(
                retries={"mode": "standard", "total_max_attempts": 3},
                connect_timeout=5,
                read_timeout=READ_TIMEOUT_S,
            )
            try:
                self._clients[service] = boto3.client(
                    service,  # type: ignore[call-overload]
                    config=bounds,
                )
            except NoRegionError as error:
                raise UsageProblem(
                    "No AWS region is configured.", "Set AWS_DEFAULT_REGION, or AWS_PROFILE."
                ) from error
        return self._clients[service]


def _asked(name: str) -> str:
    """What the Pulumi CLI prints for the stack's outputs. Raises Problem."""
    command = ["pulumi", "stack", "output", "--json", "--stack", name, "--non-interactive"]
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            capture_output=True,
            text=True,
            timeout=PULUMI_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise Problem(
            "The Pulumi CLI is not on the PATH.",
            "Install it, or save `pulumi stack output --json` where it is and give --outputs FILE.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Problem(f"The Pulumi CLI did not answer in {PULUMI_TIMEOUT_S} s.") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
        raise Problem(f"The Pulumi CLI has no outputs of the stack {name}: {last[0]}")
    return done.stdout


def _object(text: str, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UsageProblem(f"{what} cannot be read: no JSON ({error}).") from error
    if not isinstance(found, dict):
        raise UsageProblem(f"{what} cannot be read: no JSON object.")
    if not found:
        raise Problem(f"{what}: there are none.", "Deploy the stack first.")
    return found
