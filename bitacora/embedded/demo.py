"""A demo order's way through every service, with the time that each hop was first seen."""

import json
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from bitacora.embedded.environment import Environment
from bitacora.embedded.problem import Problem

CUSTOMER = "demo"
HOP_TIMEOUT_S = 60.0
# A hop takes milliseconds or, while functions start, seconds: looking must not slow them down.
POLL_INTERVALS_S = (0.01, 0.15)
PLACE_ORDER_EXAMPLE = "contracts/commands/place_order/examples/v1-full.json"

# Empty when the hop is seen, else what was seen instead.
Probe = Callable[[], str]


@dataclass(frozen=True)
class Hop:
    """`ms` since its command was sent, or None if it was not seen in time."""

    name: str
    ms: float | None
    last_seen: str = ""


@dataclass(frozen=True)
class Journey:
    """One order's way."""

    order_id: str
    customer_id: str
    order_url: str
    hops: list[Hop]

    @property
    def complete(self) -> bool:
        """Whether every hop was seen."""
        return all(hop.ms is not None for hop in self.hops)


def follow_an_order(environment: Environment) -> Journey:
    """Place an order, pay it, and watch until it is shipped. Raises Problem if a command fails."""
    place = json.loads((environment.project / PLACE_ORDER_EXAMPLE).read_text(encoding="utf-8"))
    watch = _Watch(environment)
    in_log = watch.log_from_now()
    sent = time.monotonic()
    placed = watch.post("/orders", place)
    accepted = Hop("OrderPlaced: command accepted", _ms(sent))
    watch.order_id = placed["order_id"]
    hops = _seen(
        sent,
        {
            "→ in the log (Kinesis)": in_log,
            "→ in the read model (PostgreSQL)": watch.status_is("placed"),
            "→ bus → topic → queue → in the ledger (S3)": watch.in_ledger,
        },
    )
    sent = time.monotonic()
    amount = _total(place)
    watch.post(f"/orders/{watch.order_id}/payments", {"payment_id": "demo-1", "amount": amount})
    paid = Hop("OrderConfirmed: payment accepted", _ms(sent))
    more = _seen(
        sent,
        {
            "→ fulfilment has shipped (DynamoDB)": watch.has_shipment,
            "→ ShipOrder came back, OrderShipped committed": watch.has_commit(3),
            "→ shipped, in the read model": watch.status_is("shipped"),
        },
    )
    return Journey(
        watch.order_id,
        CUSTOMER,
        watch.url(f"/orders/{watch.order_id}"),
        [accepted, *hops, paid, *more],
    )


@dataclass
class _Watch:
    environment: Environment
    order_id: str = ""
    outputs: Mapping[str, Any] = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.outputs = self.environment.outputs
        self.token = self.environment.token(CUSTOMER)

    @property
    def stream(self) -> str:
        return f"order-{self.order_id}"

    def url(self, path: str) -> str:
        return str(self.outputs["api_url"]).rstrip("/") + path

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        status, answer = self._call("POST", path, json.dumps(body).encode())
        if not 200 <= status < 300:
            raise Problem(
                f"POST {self.url(path)} was answered {status}: {answer[:500]}",
                "`bitacora logs command` shows what the function said.",
            )
        found: dict[str, Any] = json.loads(answer)
        return found

    def _call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        request = urllib.request.Request(
            self.url(path),
            method=method,
            data=body,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid.uuid4()),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=HOP_TIMEOUT_S) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            raise Problem(f"{self.url(path)} does not answer: {error}.") from error

    def status_is(self, expected: str) -> Probe:
        def probe() -> str:
            status, answer = self._call("GET", f"/orders/{self.order_id}")
            if status != 200:
                return f"{status} {answer[:200]}"
            found = json.loads(answer)["status"]
            return "" if found == expected else f"status {found}"

        return probe

    def log_from_now(self) -> Probe:
        """A probe that sees the order's stream among the records put from now on."""
        kinesis, name = self.environment.client("kinesis"), self.outputs["log_stream"]
        pages = kinesis.get_paginator("list_shards")
        iterators = [
            kinesis.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
            )["ShardIterator"]
            for page in pages.paginate(StreamName=name)
            for shard in page["Shards"]
        ]

        def probe() -> str:
            records = 0
            for number, iterator in enumerate(iterators):
                page = kinesis.get_records(ShardIterator=iterator)
                iterators[number] = page["NextShardIterator"]
                records += len(page["Records"])
                if any(record["PartitionKey"] == self.stream for record in page["Records"]):
                    return ""
            return f"{records} other records"

        return probe

    def in_ledger(self) -> str:
        pages = self.environment.client("s3").get_paginator("list_objects_v2")
        keys = [
            item["Key"]
            for page in pages.paginate(Bucket=self.outputs["ledger_bucket"])
            for item in page.get("Contents", [])
        ]
        return "" if any(self.stream in key for key in keys) else f"{len(keys)} other events"

    def has_shipment(self) -> str:
        found = self.environment.client("dynamodb").get_item(
            TableName=self.outputs["shipments_table"],
            Key={"order_id": {"S": self.order_id}},
            ConsistentRead=True,
        )
        return "" if "Item" in found else "no shipment"

    def has_commit(self, number: int) -> Probe:
        def probe() -> str:
            found = self.environment.client("dynamodb").get_item(
                TableName=self.outputs["events_table"],
                Key={"stream": {"S": self.stream}, "commit": {"N": str(number)}},
                ConsistentRead=True,
            )
            return "" if "Item" in found else f"no commit {number}"

        return probe


def _seen(sent: float, probes: Mapping[str, Probe]) -> list[Hop]:
    """Poll all side by side, each until it is seen or its time is over."""
    given_up = threading.Event()

    def watch(name: str, probe: Probe) -> Hop:
        deadline, last = time.monotonic() + HOP_TIMEOUT_S, ""
        interval_s, longest_s = POLL_INTERVALS_S
        while time.monotonic() < deadline and not given_up.is_set():
            last = probe()
            if not last:
                return Hop(name, _ms(sent))
            time.sleep(interval_s)
            interval_s = min(interval_s * 1.2, longest_s)
        return Hop(name, None, last)

    with ThreadPoolExecutor(len(probes)) as pool:
        try:
            return list(pool.map(watch, probes, probes.values()))
        except BaseException:
            given_up.set()  # Ctrl-C must not wait for the other probes
            raise


def _ms(since: float) -> float:
    return round((time.monotonic() - since) * 1000, 1)


def _total(place: Mapping[str, Any]) -> dict[str, Any]:
    lines = place["lines"]
    return {
        "amount": sum(line["quantity"] * line["unit_price"]["amount"] for line in lines),
        "currency": lines[0]["unit_price"]["currency"],
    }
