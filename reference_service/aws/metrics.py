"""One line per invocation: metrics in CloudWatch's embedded metric format, facts beside them.

Source: "Embedded metric format specification". The line goes to stdout, which Lambda logs as it is.
"""

import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

import msgspec

NAMESPACE = "Bitacora"


def report(
    function: str,
    counts: Mapping[str, int | float],
    dimensions: Mapping[str, str] = MappingProxyType({}),
    **facts: Any,
) -> None:
    """Print the line: `counts` become metrics with the dimension Function, `facts` stay in the log.

    Further `dimensions` (name → value) stand beside Function, which is the deployed function's
    name, so that two stacks of one account do not share an alarm; outside Lambda it is `function`.
    A metric's unit is told by its name: names ending in _ms are milliseconds, others are counts.
    """
    directive = _directive(tuple(counts), tuple(dimensions))
    aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    shown = {name: value for name, value in facts.items() if value not in (None, [], {}, "")}
    name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", function)
    line = {"_aws": aws, "Function": name, **dimensions, **counts, **shown}
    print(msgspec.json.encode(line, enc_hook=str).decode())


@cache
def _directive(names: Sequence[str], dimensions: Sequence[str]) -> msgspec.Raw:
    """What is metric and what is dimension, the same in each line of a kind."""
    metrics = [
        {"Name": name, "Unit": "Milliseconds" if name.endswith("_ms") else "Count"}
        for name in names
    ]
    named = [["Function", *dimensions]]
    directive = {"Namespace": NAMESPACE, "Dimensions": named, "Metrics": metrics}
    return msgspec.Raw(msgspec.json.encode(directive))
