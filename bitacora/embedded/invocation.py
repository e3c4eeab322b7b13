"""Run a function's handler in this process, so that a debugger stops in it."""

import contextlib
import importlib
import os
import sys
import uuid
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from bitacora.embedded.environment import REGION, Environment
from bitacora.embedded.problem import Problem, UsageProblem


@dataclass(frozen=True)
class Context:
    """What a handler may ask of its Lambda context."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    timeout_s: int
    aws_request_id: str
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """The whole timeout: a person may be stepping through."""
        return self.timeout_s * 1000


def invoke_here(environment: Environment, function: str, event: Any) -> Any:
    """The handler's answer to `event`, given the function's variables and its role's credentials.

    What it prints goes to stderr. Changes this process's environment. Raises what the handler
    raises, and Problem.
    """
    names: dict[str, str] = environment.outputs["functions"]
    if function not in names:
        raise UsageProblem(
            f"There is no function {function!r}.", f"Functions: {', '.join(sorted(names))}."
        )
    settings = environment.client("lambda").get_function_configuration(FunctionName=names[function])
    for name in [name for name in os.environ if name.startswith(("AWS_", "PG"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ENDPOINT_URL": environment.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": names[function],
        **settings.get("Environment", {}).get("Variables", {}),
        **_credentials(environment, settings["Role"]),
    }
    context = Context(
        function_name=names[function],
        invoked_function_arn=settings["FunctionArn"],
        memory_limit_in_mb=settings["MemorySize"],
        timeout_s=settings["Timeout"],
        aws_request_id=str(uuid.uuid4()),
    )
    module, _, handler = settings["Handler"].rpartition(".")
    sys.path.insert(0, str(environment.project))
    with contextlib.redirect_stdout(sys.stderr):
        return getattr(importlib.import_module(module), handler)(event, context)


def _credentials(environment: Environment, role_arn: str) -> dict[str, str]:
    try:
        keys = environment.client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName="bitacora-invoke"
        )["Credentials"]
    except ClientError as error:
        raise Problem(f"The function's role cannot be assumed: {error}.") from error
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
