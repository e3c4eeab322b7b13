"""Calling AWS for a mapping: the function, and the on-failure destination."""

import json
import threading
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bitacora.delivery.long_polls import ask_to_wait
from bitacora.delivery.mapping import Destination
from bitacora.delivery.retries import Answer, FunctionFailed, NotInvoked, Returned

# A function may run for 15 minutes.
INVOKE_TIMEOUT_S = 910
AWS_ERRORS = (BotoCoreError, ClientError)


class Clients:
    """One client per service, made on first use: a client costs a few MB. The endpoint and keys
    come from the SDK's own environment variables."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._session = boto3.session.Session()
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                client = self._session.client(
                    service,  # type: ignore[call-overload]
                    config=Config(
                        connect_timeout=3,
                        read_timeout=INVOKE_TIMEOUT_S if service == "lambda" else 10,
                        # The engine's own retries are visible and never give up.
                        retries={"total_max_attempts": 1},
                        max_pool_connections=64,
                        s3={"addressing_style": "path"},
                    ),
                )
                ask_to_wait(client)
                self._made[service] = client
            return self._made[service]


@dataclass(frozen=True)
class Function:
    name: str
    arn: str
    role_arn: str


def describe_function(clients: Clients, function: str) -> Function:
    """Raises botocore's errors; a function that does not exist is one."""
    found = clients("lambda").get_function_configuration(FunctionName=function)
    return Function(found["FunctionName"], found["FunctionArn"], found["Role"])


def invoke(clients: Clients, function: str, payload: bytes) -> Answer:
    """Invoke and wait. Trouble before or around the invocation is an answer too."""
    try:
        response = clients("lambda").invoke(FunctionName=function, Payload=payload)
        answer: bytes = response["Payload"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 413:
            return FunctionFailed(f"{code}: the batch is larger than Lambda takes")
        return NotInvoked(f"Invoke: {error}", throttled=status == 429)
    except (BotoCoreError, OSError) as error:
        return NotInvoked(f"Invoke: {error}")
    if "FunctionError" in response:
        return FunctionFailed(_reason(answer))
    return Returned(answer)


def send_failure(
    clients: Clients, destination: Destination, record: dict[str, Any], key: str
) -> None:
    """Write a destination record. Raises botocore's errors."""
    body = json.dumps(record, indent=1)
    match destination.service:
        case "s3":
            clients("s3").put_object(
                Bucket=destination.name,
                Key=key,
                Body=body.encode(),
                ContentType="application/json",
            )
        case "sqs":
            account = destination.arn.split(":")[4]
            url = clients("sqs").get_queue_url(
                QueueName=destination.name, QueueOwnerAWSAccountId=account
            )["QueueUrl"]
            clients("sqs").send_message(QueueUrl=url, MessageBody=body)
        case _:
            clients("sns").publish(TopicArn=destination.arn, Message=body)


def is_refusal(error: Exception) -> bool:
    """The request itself is refused (no such bucket, access denied): repeating it won't help."""
    if not isinstance(error, ClientError):
        return False
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return 400 <= status < 500 and status != 429


def _reason(answer: bytes) -> str:
    """The function's own error in one line."""
    try:
        error = json.loads(answer)
        return f"{error.get('errorType', 'Error')}: {error.get('errorMessage', '')}"[:500]
    except (ValueError, AttributeError):
        return answer[:500].decode(errors="replace")
