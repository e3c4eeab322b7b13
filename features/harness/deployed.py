"""A deployed stack as target: on AWS, or on LocalStack by localstack-client's endpoints."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bitacora.audit.observation import Observation
from bitacora.audit.readers import OperatedViews
from bitacora.audit.reading import NAMES, CloudStores, observe_through
from bitacora.embedded.problem import Problem, UsageProblem
from bitacora.targets import output
from bitacora.targets.stack import Stack

TOKEN_WITHIN_S = 30
# An operation of the service's own function answers within its timeout of a minute.
BOUNDS = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=5,
    read_timeout=70,
    s3={"addressing_style": "path"},
)


@dataclass
class Tokens:
    """Bearer tokens, printed by a command that is given `{subject}` and `{scope}` to fill in."""

    command: str

    def token(self, subject: str, scope: str) -> str:
        """Raises Problem when the command prints none."""
        words = [
            word.replace("{subject}", subject).replace("{scope}", scope)
            for word in shlex.split(self.command)
        ]
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, timeout=TOKEN_WITHIN_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Problem(f"No token for {subject}: {error}") from error
        if done.returncode or not done.stdout.strip():
            last = (done.stderr or "it printed nothing").strip().splitlines()[-1]
            raise Problem(f"No token for {subject}: {words[0]}: {last}")
        return done.stdout.strip()


@dataclass
class LocalStackStack(Stack):
    """Its clients go where localstack-client finds LocalStack: by LOCALSTACK_HOST, USE_SSL or
    AWS_ENDPOINT_URL, http://localhost:4566 without them."""

    _made: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str) -> Any:
        """With the keys that LocalStack takes. Raises UsageProblem for a host that is none."""
        if service not in self._made:
            from localstack_client.session import Session

            try:
                session = Session(aws_access_key_id="test", aws_secret_access_key="test")
            except RuntimeError as error:
                raise UsageProblem(f"LOCALSTACK_HOST: {error}.") from error
            self._made[service] = session.client(service, config=BOUNDS)
        return self._made[service]


@dataclass
class Deployed:
    """No fault can be ordered there that AWS would not have on its own: `offers` is empty."""

    name: str
    stack: Stack
    tokens: Tokens
    offers: frozenset[str] = frozenset()

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.stack.outputs

    def client(self, service: str) -> Any:
        return self.stack.client(service)

    def token(self, subject: str, scope: str = "") -> str:
        return self.tokens.token(subject, scope)

    def observe(self, *, ledger: bool = True) -> Observation:
        return observe_through(self._stores, OperatedViews(self.stack), ledger=ledger)

    @cached_property
    def _stores(self) -> CloudStores:
        names = {name: output(self.stack, name) for name in NAMES}
        return CloudStores(dynamodb=self.client("dynamodb"), s3=self.client("s3"), **names)


def deployed(name: str, stack: str | None, saved: Path | None, tokens: str | None) -> Deployed:
    """A stack that is there, answers, and may be spoilt. Raises Problem, which tells what to do."""
    if not (stack or saved):
        raise UsageProblem(
            f"--target {name} needs a stack.", "Name it with --stack, or give its --outputs."
        )
    if not tokens:
        raise UsageProblem(
            f"--target {name} needs tokens of customers.",
            "--tokens 'COMMAND {subject}' names a command that prints one.",
        )
    kind = LocalStackStack if name == "localstack" else Stack
    target = Deployed(name, kind(stack or str(saved), saved), Tokens(tokens))
    if output(target.stack, "disposable") is not True:
        raise UsageProblem(
            f"The stack {target.stack.name} is not disposable: scenarios leave orders behind.",
            "Deploy one with kit:disposable: true, and run them there.",
        )
    _refuse_unreachable(target)
    return target


def _refuse_unreachable(target: Deployed) -> None:
    table = output(target.stack, "events_table")
    try:
        target.client("dynamodb").describe_table(TableName=table)
    except (BotoCoreError, ClientError) as error:
        raise Problem(
            f"The event store {table} of the stack {target.stack.name} does not answer: {error}.",
            "Is it deployed, and are endpoint, region and credentials those of its account?",
        ) from error


TARGETS: Sequence[str] = ("embedded", "localstack", "aws")
