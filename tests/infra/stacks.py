"""The program as each stack runs it, once per test session."""

from functools import cache

from bitacora.provision.registered import Registered
from tests.infra.in_process import Program, run, stack_config

# What `bitacora up` and `make layer` give a stack.
GIVEN = {
    "dev": {"dependenciesLayer": "contracts"},
    "prod": {"dependenciesLayer": "contracts"},
    "local": {"dependenciesLayer": "contracts"},
    "embedded": {
        "jwtIssuer": "http://127.0.0.1:4100/",
        "endpoint": "http://127.0.0.1:4200",
        "databasePort": "4300",
    },
}
STACKS = tuple(GIVEN)


@cache
def program(stack: str, **overrides: str) -> Program:
    """`overrides` of `kit:` keys."""
    return run(stack_config(stack, **GIVEN[stack] | overrides), stack)


def registered(stack: str) -> list[Registered]:
    return [
        Registered(type=r.type, name=r.name, urn=r.urn, inputs=r.inputs, outputs=r.outputs)
        for r in program(stack).resources
    ]
