"""Faults on demand between the functions and the cloud: a loopback proxy with counted rules."""

from bitacora.faults.proxy import FaultProxy, Injection
from bitacora.faults.rules import (
    Delay,
    EndCaller,
    Fault,
    LoseAnswer,
    PartlyRefuse,
    Refuse,
    Rule,
    SlowAnswer,
    Throttle,
)

__all__ = [
    "Delay",
    "EndCaller",
    "Fault",
    "FaultProxy",
    "Injection",
    "LoseAnswer",
    "PartlyRefuse",
    "Refuse",
    "Rule",
    "SlowAnswer",
    "Throttle",
]
