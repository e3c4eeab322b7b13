"""An event source mapping: the request of CreateEventSourceMapping, checked, as data.

Ranges and defaults: AWS Lambda API reference, CreateEventSourceMapping; developer guide,
services-ddb-params and services-kinesis-parameters.
"""

import json
import re
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bitacora.delivery.filters import InvalidPattern, Pattern, parse_pattern

MAX_FILTERS = 5
STARTS = ("TRIM_HORIZON", "LATEST", "AT_TIMESTAMP")
FIXED = ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp")
# Accepted with their neutral value only; another value is refused by name.
UNSUPPORTED = {
    "TumblingWindowInSeconds": 0,
    "KMSKeyArn": "",
    "MetricsConfig": {},
    "LoggingConfig": {},
}
RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "ParallelizationFactor": (1, 10),
    "MaximumRetryAttempts": (-1, 10_000),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
}
OTHER = (
    "FunctionName",
    "Enabled",
    "FilterCriteria",
    "DestinationConfig",
    "BisectBatchOnFunctionError",
    "FunctionResponseTypes",
    "Tags",
)


class InvalidMapping(Exception):
    """The request is refused; `faults` says each thing that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class Destination:
    """Where discarded records go. `service` is s3, sqs or sns."""

    arn: str

    @property
    def service(self) -> str:
        return self.arn.split(":")[2]

    @property
    def name(self) -> str:
        return self.arn.split(":")[-1]


@dataclass(frozen=True)
class Mapping:
    """`max_attempts` and `max_age_s` are None for no limit. (AWS's limit is then the stream's
    retention of a day or more; a record held here is tried beyond it.)"""

    uuid: str
    source_arn: str
    function: str
    enabled: bool
    start: str
    start_at: float | None
    batch_size: int
    window_s: int
    lanes: int
    filters: tuple[Pattern, ...]
    reports_item_failures: bool
    bisect: bool
    max_attempts: int | None
    max_age_s: int | None
    on_failure: Destination | None

    @property
    def source(self) -> str:
        """`kinesis` or `dynamodb`."""
        return self.source_arn.split(":")[2]

    @property
    def region(self) -> str:
        return self.source_arn.split(":")[3]


def parse(uuid: str, request: AbstractMapping[str, Any]) -> Mapping:
    """The mapping that a CreateEventSourceMapping request asks for. Raises InvalidMapping."""
    faults = [f"{name}: not supported by this engine" for name in _unsupported(request)]
    known = {*FIXED, *OTHER, *RANGES, *UNSUPPORTED}
    faults += [
        f"{name}: not an input of a stream's event source mapping"
        for name in sorted(set(request) - known)
    ]
    arn = request.get("EventSourceArn")
    if not isinstance(arn, str) or not re.fullmatch(
        r"arn:aws:(kinesis:[^:]+:\d{12}:stream/.+|dynamodb:[^:]+:\d{12}:table/.+/stream/.+)", arn
    ):
        faults.append(f"EventSourceArn: {arn!r} is no Kinesis stream and no DynamoDB stream")
        arn = "arn:aws:::"
    if not isinstance(request.get("FunctionName"), str) or not request["FunctionName"]:
        faults.append("FunctionName: required, a name or an ARN")
    numbers = {name: _number(request, name, faults) for name in RANGES}
    age = numbers["MaximumRecordAgeInSeconds"]
    if age is not None and 0 <= age < 60:
        faults.append("MaximumRecordAgeInSeconds: -1, or 60 to 604800")
    flags = {
        name: _flag(request, name, default, faults)
        for name, default in (("Enabled", True), ("BisectBatchOnFunctionError", False))
    }
    types = request.get("FunctionResponseTypes") or []
    if types not in ([], ["ReportBatchItemFailures"]):
        faults.append(f"FunctionResponseTypes: {types!r} is not [ReportBatchItemFailures]")
    start_at = _start_at(request, arn, faults)
    filters = _filters(request.get("FilterCriteria"), arn, faults)
    on_failure = _destination(request.get("DestinationConfig"), faults)
    if faults:
        raise InvalidMapping(faults)
    attempts = numbers["MaximumRetryAttempts"]
    return Mapping(
        uuid=uuid,
        source_arn=arn,
        function=request["FunctionName"],
        enabled=flags["Enabled"],
        start=request["StartingPosition"],
        start_at=start_at,
        batch_size=numbers["BatchSize"] or 100,
        window_s=numbers["MaximumBatchingWindowInSeconds"] or 0,
        lanes=numbers["ParallelizationFactor"] or 1,
        filters=filters,
        reports_item_failures=bool(types),
        bisect=flags["BisectBatchOnFunctionError"],
        max_attempts=None if attempts in (None, -1) else attempts,
        max_age_s=None if age in (None, -1) else age,
        on_failure=on_failure,
    )


def updated(
    request: AbstractMapping[str, Any], changes: AbstractMapping[str, Any]
) -> dict[str, Any]:
    """The request after UpdateEventSourceMapping. Raises InvalidMapping for a fixed input."""
    faults = [
        f"{name}: can't change; delete the mapping and create it again"
        for name in FIXED
        if name in changes and changes[name] != request.get(name)
    ]
    if faults:
        raise InvalidMapping(faults)
    return {**request, **{name: value for name, value in changes.items() if name != "UUID"}}


def _unsupported(request: AbstractMapping[str, Any]) -> list[str]:
    return [
        name
        for name, neutral in UNSUPPORTED.items()
        if request.get(name) is not None and request[name] != neutral
    ]


def _number(request: AbstractMapping[str, Any], name: str, faults: list[str]) -> int | None:
    value = request.get(name)
    low, high = RANGES[name]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        faults.append(f"{name}: {value!r} is no whole number from {low} to {high}")
        return None
    return value


def _flag(request: AbstractMapping[str, Any], name: str, default: bool, faults: list[str]) -> bool:
    value = request.get(name, default)
    if not isinstance(value, bool):
        faults.append(f"{name}: {value!r} is neither true nor false")
    return bool(value)


def _start_at(request: AbstractMapping[str, Any], arn: str, faults: list[str]) -> float | None:
    """StartingPositionTimestamp in epoch seconds; only with AT_TIMESTAMP, which is Kinesis's."""
    start, at = request.get("StartingPosition"), request.get("StartingPositionTimestamp")
    if start not in STARTS:
        faults.append(f"StartingPosition: {start!r} is none of {', '.join(STARTS)}")
        return None
    if start != "AT_TIMESTAMP":
        if at is not None:
            faults.append("StartingPositionTimestamp: only with AT_TIMESTAMP")
        return None
    if ":kinesis:" not in arn:
        faults.append("StartingPosition: AT_TIMESTAMP is for Kinesis only")
    if isinstance(at, str):
        try:
            return datetime.fromisoformat(at).timestamp()
        except ValueError:
            at = None
    if isinstance(at, bool) or not isinstance(at, int | float):
        faults.append("StartingPositionTimestamp: epoch seconds or ISO 8601 with AT_TIMESTAMP")
        return None
    return float(at)


def _filters(criteria: Any, arn: str, faults: list[str]) -> tuple[Pattern, ...]:
    """Patterns are OR-ed. Kinesis mappings filter on `data` only (with-kinesis-filtering)."""
    if criteria is None or criteria == {}:
        return ()
    filters = criteria.get("Filters", []) if isinstance(criteria, dict) else None
    if not isinstance(filters, list) or len(filters) > MAX_FILTERS:
        faults.append(f"FilterCriteria: {{'Filters': [at most {MAX_FILTERS} patterns]}} expected")
        return ()
    patterns = []
    for index, item in enumerate(filters):
        try:
            text = item["Pattern"]
            pattern = parse_pattern(json.loads(text))
        except (KeyError, TypeError, ValueError, InvalidPattern) as error:
            faults.append(f"FilterCriteria.Filters[{index}]: {error}")
            continue
        if ":kinesis:" in arn and set(json.loads(text)) - {"data"}:
            faults.append(f"FilterCriteria.Filters[{index}]: Kinesis filters on 'data' only")
        patterns.append(pattern)
    return tuple(patterns)


def _destination(config: Any, faults: list[str]) -> Destination | None:
    if not config:
        return None
    if not isinstance(config, dict) or config.get("OnSuccess"):
        faults.append("DestinationConfig: only OnFailure is supported for streams")
        return None
    arn = (config.get("OnFailure") or {}).get("Destination")
    if not arn:
        return None
    service = arn.split(":")[2] if isinstance(arn, str) and arn.count(":") >= 5 else ""
    if service not in ("s3", "sqs", "sns") or arn.endswith(".fifo"):
        faults.append(
            f"DestinationConfig.OnFailure.Destination: {arn!r} is no S3 bucket, standard SQS "
            "queue or standard SNS topic"
        )
        return None
    return Destination(arn)
