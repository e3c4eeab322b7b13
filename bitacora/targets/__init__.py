"""Where a command works: the embedded environment, or a deployed stack."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from bitacora.embedded.problem import Problem


class Target(Protocol):
    """`outputs` are what the program exports (infra/exports.py). Both raise Problem."""

    @property
    def outputs(self) -> Mapping[str, Any]: ...

    def client(self, service: str) -> Any:
        """A boto3 client, one per service."""


def output(target: Target, name: str) -> Any:
    """One of the outputs. Raises Problem for a stack that was deployed by an older program."""
    outputs = target.outputs
    if name not in outputs:
        raise Problem(f"The stack has no output {name!r}.", "Deploy it with this program.")
    return outputs[name]


def invoke(target: Target, function: str, event: Mapping[str, Any]) -> Any:
    """The answer of a deployed function, by its key in the output `functions`.

    Raises Problem when it can't be invoked, failed, or answered {"error": …}.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    functions = output(target, "functions")
    if function not in functions:
        raise Problem(f"The stack has no function {function!r}.", "Deploy it with this program.")
    try:
        answer = target.client("lambda").invoke(
            FunctionName=functions[function], Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read() or b"null")
    except ValueError as error:
        raise Problem(f"{function} answered what is no JSON: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise Problem(f"{function} could not be invoked: {error}") from error
    if answer.get("FunctionError"):
        told = payload or {}
        raise Problem(f"{function} failed: {told.get('errorType')}: {told.get('errorMessage')}")
    if isinstance(payload, dict) and isinstance(payload.get("error"), str):
        raise Problem(f"{function}: {payload['error']}")
    return payload
