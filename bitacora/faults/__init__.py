"""Faults on demand between the functions and the cloud: a loopback proxy with counted rules."""

from bitacora.faults.proxy import FaultProxy, Injection
from bitacora.faults.rules import Delay, Fault, LoseAnswer, Refuse, Rule, SlowAnswer

__all__ = [
    "Delay",
    "Fault",
    "FaultProxy",
    "Injection",
    "LoseAnswer",
    "Refuse",
    "Rule",
    "SlowAnswer",
]
