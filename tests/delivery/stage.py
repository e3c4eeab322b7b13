"""What the delivery tests stand on: a function that writes down what it gets, streams, the engine.

The function appends one JSON line per invocation to a file and obeys a plan in another: values to
raise on, values to report as failed, an answer to give as it is, seconds to sleep.
"""

import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bitacora.delivery.client import DeliveryClient, DeliveryError
from bitacora.embedded.ports import reserve
from tests.emulator import Emulator

HANDLER = """
import base64, json, os, time

def value_of(record):
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    image = record["dynamodb"].get("NewImage") or record["dynamodb"]["Keys"]
    return image["value"]["S"] if "value" in image else ""

def handler(event, context):
    plan = json.load(open(os.environ["PLAN"]))
    values = [value_of(record) for record in event["Records"]]
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(json.dumps({"at": time.time(), "values": values, "event": event}) + chr(10))
    print(len(values))
    time.sleep(plan.get("sleep_s", 0))
    if set(values) & set(plan.get("raise", [])):
        raise ValueError("poison")
    if "answer" in plan:
        return plan["answer"]
    failed = [r for r, value in zip(event["Records"], values) if value in plan.get("report", [])]
    body = [r.get("kinesis", {}).get("sequenceNumber") or r["dynamodb"]["SequenceNumber"]
            for r in failed]
    return {"batchItemFailures": [{"itemIdentifier": sequence} for sequence in body]}
"""


def until(what: Callable[[], Any], timeout_s: float = 60.0, description: str = "") -> Any:
    """Wait until `what()` is truthy. Fails with the last thing seen."""
    deadline = time.monotonic() + timeout_s
    while True:
        seen = what()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {description}; last seen: {seen!r}")
        time.sleep(0.02)


@dataclass
class Function:
    name: str
    seen_path: Path
    plan_path: Path

    def plan(self, **plan: Any) -> None:
        draft = self.plan_path.with_suffix(".new")
        draft.write_text(json.dumps(plan))
        draft.replace(self.plan_path)

    def invocations(self) -> list[dict[str, Any]]:
        if not self.seen_path.exists():
            return []
        lines = self.seen_path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def batches(self) -> list[list[str]]:
        return [invocation["values"] for invocation in self.invocations()]

    def values(self) -> list[str]:
        return [value for batch in self.batches() for value in batch]


@dataclass
class Stage:
    emulator: Emulator
    folder: Path
    names: int = 0

    def name(self, kind: str) -> str:
        return f"{kind}-{uuid.uuid4().hex[:8]}"

    def function(self, **plan: Any) -> Function:
        name = self.name("consumer")
        function = Function(name, self.folder / f"{name}.seen", self.folder / f"{name}.plan")
        function.plan(**plan)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("consumer.py", HANDLER)
        self.emulator.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Role=self._role(),
            Handler="consumer.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=30,
            Environment={
                "Variables": {"SEEN": str(function.seen_path), "PLAN": str(function.plan_path)}
            },
        )
        return function

    def _role(self) -> str:
        iam = self.emulator.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = iam.create_role(
            RoleName=self.name("role"), AssumeRolePolicyDocument=json.dumps(trust)
        )
        return str(role["Role"]["Arn"])

    def kinesis_stream(self, shards: int = 1) -> "KinesisStream":
        client, name = self.emulator.client("kinesis"), self.name("log")
        client.create_stream(StreamName=name, ShardCount=shards)
        client.get_waiter("stream_exists").wait(StreamName=name)
        described = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
        return KinesisStream(client, name, described["StreamARN"])

    def table(self) -> "Table":
        client, name = self.emulator.client("dynamodb"), self.name("events")
        created = client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "stream", "KeyType": "HASH"},
                {"AttributeName": "commit", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "stream", "AttributeType": "S"},
                {"AttributeName": "commit", "AttributeType": "N"},
            ],
            StreamSpecification={
                "StreamEnabled": True,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        )
        return Table(client, name, created["TableDescription"]["LatestStreamArn"])

    def bucket(self) -> str:
        name = self.name("failures")
        self.emulator.client("s3").create_bucket(Bucket=name)
        return name

    def objects(self, bucket: str) -> dict[str, dict[str, Any]]:
        client = self.emulator.client("s3")
        listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            item["Key"]: json.loads(
                client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            )
            for item in listed
        }


@dataclass
class KinesisStream:
    client: Any
    name: str
    arn: str

    def put(self, *values: str, key: str | None = None) -> None:
        for start in range(0, len(values), 500):
            page = values[start : start + 500]
            answer = self.client.put_records(
                StreamName=self.name,
                Records=[
                    {"Data": v.encode(), "PartitionKey": key or v.split("/")[0]} for v in page
                ],
            )
            assert answer["FailedRecordCount"] == 0

    def shards(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.list_shards(StreamName=self.name)["Shards"]
        return found

    def open_shards(self) -> list[dict[str, Any]]:
        shards = self.shards()
        return [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]

    def split(self, shard: dict[str, Any]) -> None:
        keys = shard["HashKeyRange"]
        middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2
        self.client.split_shard(
            StreamName=self.name,
            ShardToSplit=shard["ShardId"],
            NewStartingHashKey=str(middle),
        )

    def merge(self, left: dict[str, Any], right: dict[str, Any]) -> None:
        self.client.merge_shards(
            StreamName=self.name,
            ShardToMerge=left["ShardId"],
            AdjacentShardToMerge=right["ShardId"],
        )


@dataclass
class Table:
    client: Any
    name: str
    arn: str

    def put(self, *values: str) -> None:
        """`stream/commit` each: one item with that key and value."""
        for value in values:
            stream, commit = value.split("/")
            self.client.put_item(
                TableName=self.name,
                Item={
                    "stream": {"S": stream},
                    "commit": {"N": commit},
                    "value": {"S": value},
                    "hash": {"B": b"\x00\xff"},
                },
            )


@dataclass
class RunningEngine:
    home: Path
    environment: dict[str, str]
    port: int = field(default_factory=reserve)
    process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> DeliveryClient:
        return DeliveryClient(f"http://127.0.0.1:{self.port}", "secret")

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def start(self) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        environ |= self.environment | {
            "BITACORA_HOME": str(self.home),
            "DELIVERY_PORT": str(self.port),
            "DELIVERY_TOKEN": "secret",
        }
        with (self.home / "delivery.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bitacora.delivery"], env=environ, stderr=log
            )
        until(self._answers, description=f"engine ready; log {self.home / 'delivery.log'}")

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.home / "delivery.log").read_text()
        try:
            return self.client.health()["status"] == "ok"
        except DeliveryError:
            return False

    def kill(self) -> None:
        """kill -9: nothing is said good-bye to."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=5)

    def map(self, function: Function, source: KinesisStream | Table, **settings: Any) -> str:
        mapping = str(uuid.uuid4())
        request = {
            "EventSourceArn": source.arn,
            "FunctionName": function.name,
            "StartingPosition": "TRIM_HORIZON",
            **settings,
        }
        self.client.put_mapping(mapping, request)
        return mapping

    def settle(self, mapping: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Wait until everything written before now is processed; the mapping's report."""
        now = time.time()
        reports: list[dict[str, Any]] = [{}]

        def settled() -> bool:
            reports[0] = self.client.mapping(mapping)
            at = reports[0]["caught_up_at"]
            return reports[0]["caught_up"] and at is not None and at > now

        try:
            until(settled, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"not caught up: {json.dumps(reports[0], indent=1)}") from error
        return reports[0]
