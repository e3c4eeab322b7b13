"""The functions over a real cloud: tables, stream, bus, topic and buckets, and their events."""

import base64
import importlib
import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any

import boto3
import pytest
from botocore.loaders import create_loader
from botocore.session import get_session

from reference_service import settings
from reference_service.aws.items import to_item
from reference_service.cqrs.commit import Commit
from reference_service.cqrs.relay import encode_entry
from reference_service.tables import (
    EVENTS,
    ORDER_STATUS,
    PARKED,
    PERSONAL_KEYS,
    SHIPMENTS,
    SNAPSHOTS,
)
from tests.database import ReadSide
from tests.emulator import Emulator
from tests.functions.http_contract import held

SETTINGS: dict[str, type[settings.Settings]] = {
    "command": settings.CommandSettings,
    "command_worker": settings.CommandWorkerSettings,
    "erasure": settings.ErasureSettings,
    "heartbeat": settings.HeartbeatSettings,
    "relay": settings.RelaySettings,
    "publisher": settings.PublisherSettings,
    "projector": settings.ProjectorSettings,
    "catch_up": settings.ProjectorSettings,
    "status_projector": settings.StatusProjectorSettings,
    "query": settings.QuerySettings,
    "status": settings.StatusSettings,
    "migration": settings.MigrationSettings,
    "fulfilment": settings.FulfilmentSettings,
    "notifier": settings.NotifierSettings,
    "ledger": settings.LedgerSettings,
    "anchor": settings.AnchorSettings,
    "operations": settings.OperationsSettings,
}
# What these answer is held to contracts/openapi.json, whatever the test asks for.
HTTP = ("command", "query", "status", "erasure")
ORDER = "GET /orders/{order_id}"
STATUS = "GET /orders/{order_id}/status"
HISTORY = "GET /orders/{order_id}/history"
HEARD = "functions-heard"  # the queue that the bus tells everything
LIST = "GET /orders"
SUMMARY = "GET /customer-summary"
Get = Callable[..., dict[str, Any]]
Keep = Callable[[Sequence[Commit]], None]
Project = Callable[..., None]
VALUES = {
    "EVENTS_TABLE": "functions-events",
    "SHIPMENTS_TABLE": "functions-shipments",
    "PARKED_TABLE": "functions-parked",
    "ORDER_STATUS_TABLE": "functions-order-status",
    "SNAPSHOTS_TABLE": "functions-snapshots",
    "PERSONAL_KEYS_TABLE": "functions-personal-keys",
    "WRAPPING_KEY_ARN": "arn:aws:kms:us-east-1:000000000000:alias/functions",
    "LOG_STREAM": "functions-log",
    "LOG_SHARDS": "1",
    "BUS_NAME": "functions-bus",
    "EVIDENCE_BUCKET": "functions-evidence",
    "LEDGER_BUCKET": "functions-ledger",
    "FAILURES_BUCKET": "functions-failures",
    "ANCHORS_BUCKET": "functions-anchors",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:functions-notifications",
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_PORT": "1",
    "DATABASE_NAME": "postgres",
    "DATABASE_USER": "projector",
    "DATABASE_SSLMODE": "prefer",
    "DATABASE_REGION": "us-east-1",
    "WRITES": "events/internal/order_placed/v3,events/public/order_confirmed/v2",
    "DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:master",
}


def environment(function: str) -> dict[str, str]:
    """Only what the function must be given: another function's variable would hide a fault."""
    names = settings.environment(
        SETTINGS[function], **dict.fromkeys(_fields(SETTINGS[function]), "")
    )
    return {name: VALUES[name] for name in names}


def _fields(kind: type[settings.Settings]) -> list[str]:
    return [field.name for field in fields(kind) if field.default is MISSING]


SERVICE_MODELS = create_loader()


@dataclass
class Stage:
    emulator: Emulator
    monkeypatch: pytest.MonkeyPatch
    read_side: ReadSide | None = None

    def function(self, name: str, endpoint: str | None = None, **more: str) -> Any:
        """The function's module, imported with its environment and `more` as Lambda would."""
        given = environment(name) | more
        for variable, value in (given | self.emulator.environment()).items():
            self.monkeypatch.setenv(variable, value)
        self.monkeypatch.setattr("boto3.DEFAULT_SESSION", session_of_a_new_process())
        if endpoint:
            self.monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        if self.read_side:
            # The token and its door are tested where they live; here is only the socket.
            connect = {"query": "query", "operations": "operations"}.get(name, "projector")
            side = self.read_side
            self.monkeypatch.setattr(
                "reference_service.aws.postgres.iam_connect",
                lambda *_: lambda: side.connect(connect),
            )
        path = f"reference_service.functions.{name}"
        sys.modules.pop(path, None)
        try:
            module = importlib.import_module(path)
            if name in HTTP:
                module.handler = held(module.handler)
            return module
        finally:
            for variable in given:
                os.environ.pop(variable, None)

    def client(self, service: str) -> Any:
        return self.emulator.client(service)


def session_of_a_new_process() -> boto3.Session:
    """It reads the environment anew; only the models of AWS's services are parsed once for all."""
    session = get_session()
    session.register_component("data_loader", SERVICE_MODELS)
    return boto3.Session(botocore_session=session)


def prepare(emulator: Emulator) -> None:
    emulator.create_table(VALUES["EVENTS_TABLE"], EVENTS)
    emulator.create_table(VALUES["SHIPMENTS_TABLE"], SHIPMENTS)
    emulator.create_table(VALUES["PARKED_TABLE"], PARKED)
    emulator.create_table(VALUES["ORDER_STATUS_TABLE"], ORDER_STATUS)
    emulator.create_table(VALUES["SNAPSHOTS_TABLE"], SNAPSHOTS)
    emulator.create_table(VALUES["PERSONAL_KEYS_TABLE"], PERSONAL_KEYS)
    key_id = emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
    emulator.client("kms").create_alias(AliasName="alias/functions", TargetKeyId=key_id)
    emulator.client("kinesis").create_stream(StreamName=VALUES["LOG_STREAM"], ShardCount=1)
    emulator.client("events").create_event_bus(Name=VALUES["BUS_NAME"])
    emulator.client("sns").create_topic(Name="functions-notifications")
    for name in ("EVIDENCE_BUCKET", "LEDGER_BUCKET", "FAILURES_BUCKET", "ANCHORS_BUCKET"):
        emulator.client("s3").create_bucket(Bucket=VALUES[name])
    _listen_on_bus(emulator)


def forget_parked(emulator: Emulator) -> None:
    """Remove every marker of a parked stream but those in PostgreSQL."""
    dynamodb = emulator.client("dynamodb")
    pages = dynamodb.get_paginator("scan")
    for table, layout, of in (
        (VALUES["PARKED_TABLE"], PARKED, {}),
        (VALUES["ORDER_STATUS_TABLE"], ORDER_STATUS, {"IndexName": "parked"}),
    ):
        for page in pages.paginate(TableName=table, **of):
            for item in page["Items"]:
                names = [key.name for key in (layout.partition, layout.sort) if key]
                dynamodb.delete_item(TableName=table, Key={name: item[name] for name in names})


def _listen_on_bus(emulator: Emulator) -> None:
    """A queue that receives what the bus takes, as the service's own queues do."""
    queue = emulator.client("sqs").create_queue(QueueName=HEARD)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:000000000000:{HEARD}"
    events = emulator.client("events")
    events.put_rule(
        Name="heard",
        EventBusName=VALUES["BUS_NAME"],
        EventPattern=json.dumps({"source": [{"prefix": "bitacora."}]}),
    )
    events.put_targets(
        Rule="heard",
        EventBusName=VALUES["BUS_NAME"],
        Targets=[{"Id": "queue", "Arn": arn, "InputPath": "$.detail"}],
    )
    emulator.client("sns").subscribe(
        TopicArn=VALUES["NOTIFICATIONS_TOPIC_ARN"],
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    principal = {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]}
    allow = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]}
    emulator.client("sqs").set_queue_attributes(
        QueueUrl=queue, Attributes={"Policy": json.dumps(policy)}
    )


def forget_heard(emulator: Emulator) -> None:
    sqs = emulator.client("sqs")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=HEARD)["QueueUrl"])


def heard(emulator: Emulator, expected: int) -> list[dict[str, Any]]:
    """The messages on the listening queue: `expected` of them, or what came within 5 s each.

    With none expected a message has a second to show.
    """
    sqs = emulator.client("sqs")
    url = sqs.get_queue_url(QueueName=HEARD)["QueueUrl"]
    bodies: list[dict[str, Any]] = []
    wait_s = 5 if expected else 1
    while len(bodies) < max(expected, 1):
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s)
        messages = found.get("Messages", [])
        if not messages:
            break
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies


def http(
    route: str,
    *,
    subject: str = "ana",
    body: Any = None,
    order_id: str | None = None,
    query: dict[str, str] | None = None,
    claims: Mapping[str, Any] | None = None,
    **headers: str,
) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0; header names in keywords stand with underscores."""
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route,
        "headers": {name.replace("_", "-"): text for name, text in headers.items()},
        "requestContext": {
            "requestId": f"request-{uuid.uuid4()}",
            "authorizer": {"jwt": {"claims": {"sub": subject, **(claims or {})}}},
        },
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = body if isinstance(body, str) else json.dumps(body)
    if order_id:
        event["pathParameters"] = {"order_id": order_id}
    if query:
        event["queryStringParameters"] = query
    return event


def body_of(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def problem(answer: dict[str, Any]) -> tuple[int, str]:
    """Its status and its kind."""
    return answer["statusCode"], body_of(answer)["type"].rpartition(":")[2]


def stream_event(commits: Sequence[Commit], **altered: Any) -> dict[str, Any]:
    """An event of the DynamoDB stream; keywords replace members of each record."""
    return {"Records": [_stream_record(commit) | altered for commit in commits]}


def _stream_record(commit: Commit) -> dict[str, Any]:
    image = {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in to_item(commit).items()
    }
    return {
        "eventID": uuid.uuid4().hex,
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {"stream": image["stream"], "commit": image["commit"]},
            "NewImage": image,
            "SequenceNumber": f"{commit.stream}:{commit.commit}",
        },
    }


def log_event(*entries: Sequence[Commit]) -> dict[str, Any]:
    """An event of the Kinesis log, a record per entry."""
    return {
        "Records": [
            {
                "eventSource": "aws:kinesis",
                "kinesis": {
                    "partitionKey": entry[0].stream,
                    "sequenceNumber": f"{entry[0].stream}:{entry[0].commit}",
                    "data": base64.b64encode(encode_entry(entry)).decode(),
                },
            }
            for entry in entries
        ]
    }


def queue_event(*bodies: Any) -> dict[str, Any]:
    """An event of an SQS queue; message ids are message-0, message-1, …"""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "eventSource": "aws:sqs",
                "body": body if isinstance(body, str) else json.dumps(body),
            }
            for number, body in enumerate(bodies)
        ]
    }


def failures(answer: dict[str, Any]) -> list[str]:
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]
