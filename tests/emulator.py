"""The embedded cloud for tests of adapters: MiniStack on a free port, in its own folder."""

import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bitacora.embedded.ports import reserve
from reference_service.tables import Key, Table

START_TIMEOUT_S = 60.0
REGION = "us-east-1"


@dataclass(frozen=True)
class Emulator:
    """A running MiniStack. `client("dynamodb")` is a boto3 client with the root keys."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path

    @cache  # noqa: B019  clients live as long as the session's one emulator
    def client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        )

    def environment(self) -> dict[str, str]:
        """What the AWS SDK reads to reach this emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def create_table(self, name: str, table: Table, **options: Any) -> None:
        if table.index:
            shown = list(table.index.shown)
            index = {
                "IndexName": table.index.name,
                "KeySchema": _schema(table.index.partition, table.index.sort),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": shown},
            }
            options |= {"GlobalSecondaryIndexes": [index]}
        self.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_schema(table.partition, table.sort),
            AttributeDefinitions=[
                {"AttributeName": key.name, "AttributeType": key.kind} for key in table.keys
            ],
            **options,
        )


def _schema(partition: Key, sort: Key | None) -> list[dict[str, str]]:
    keys = [(partition, "HASH")] + ([(sort, "RANGE")] if sort else [])
    return [{"AttributeName": key.name, "KeyType": kind} for key, kind in keys]


def start(folder: Path) -> Emulator:
    """Start and wait until healthy. Raises RuntimeError with the end of the log otherwise."""
    port = reserve()
    (folder / "state").mkdir()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environ |= {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",
    }
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bitacora.embedded.ministack"],
            env=environ,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    emulator = Emulator(f"http://127.0.0.1:{port}", process, log)
    deadline, last = time.monotonic() + START_TIMEOUT_S, "no answer yet"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{emulator.endpoint}/_ministack/health", timeout=1):
                return emulator
        except OSError as error:
            last = str(error)
            time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"MiniStack did not start ({last}); its log ends: {log.read_text()[-2000:]}")


def stop(emulator: Emulator) -> None:
    emulator.process.terminate()
    try:
        emulator.process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        emulator.process.kill()
        emulator.process.wait(timeout=5)
