"""What the customers of a history are going to do, and how much is to go wrong: drawn from a seed.

Short on purpose: what can go wrong between two commands goes wrong in a short history, and what
went wrong in a short one can be read.
"""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

from bitacora.simulation.faults import Fault

Verb: TypeAlias = Literal["place", "pay", "cancel", "read", "await", "look"]

# In cents; the parts of the total that are paid.
TOTAL = 1000
PAYMENTS = (400, 600, 1000)
RATES = (0.01, 0.02, 0.05, 0.1)
SWITCHING = (0.02, 0.1, 0.4)
# How often a kind of fault belongs to a history at all: what is left out gives the others room.
ENABLED = 0.6
RECONCILED_WITHIN_S = (0.3, 3, 30)


@dataclass(frozen=True)
class Step:
    """What a device does next with the customer's order of that number.

    `number` is its own in the plan, and stays when other steps are taken away.
    `key` tells commands apart: one that is sent twice is one command. `expects` sends the version
    that the device saw last. A read is folded from the event store ("read"), looked up in the read
    model when the device's last version is there ("await"), or as it is ("look"). What is told to
    have done nothing is repeated only if the step `persists`.
    """

    number: int
    device: int
    verb: Verb
    order: int
    amount: int = 0
    key: str = ""
    expects: bool = False
    persists: bool = True


@dataclass(frozen=True)
class Plan:
    """`rate` is the probability of a fault at each call, `switching` that another process goes on.

    `reconciles` are when the operator's function compares heads with gates, in seconds;
    `snapshots` how many commits a snapshot is taken after, 0 for never; `shards` are the log's.
    """

    steps: tuple[Step, ...]
    enabled: frozenset[Fault]
    rate: float
    switching: float
    reconciles: tuple[float, ...] = ()
    snapshots: int = 0
    shards: int = 1


def plan(random: Random, faults: Collection[Fault]) -> Plan:
    """The plan of a seed; only these kinds of fault happen."""
    enabled = frozenset(fault for fault in faults if random.random() < ENABLED)
    devices, orders = random.randint(1, 3), random.choice((1, 1, 2))
    steps: list[Step] = []
    for device in range(devices):
        for order in range(orders):
            if device == 0 or random.random() < 0.4:
                steps.append(Step(len(steps) + 1, device, "place", order, key=f"place-{order}"))
        for _ in range(random.randint(1, 4)):
            steps.append(_step(random, len(steps) + 1, device, random.randrange(orders)))
    return Plan(
        steps=tuple(steps),
        enabled=enabled,
        rate=random.choice(RATES),
        switching=random.choice(SWITCHING),
        reconciles=tuple(
            round(random.random() * random.choice(RECONCILED_WITHIN_S), 2)
            for _ in range(random.choice((0, 1)))
        ),
        snapshots=random.choice((0, 0, 2)),
        shards=random.choice((1, 2)),
    )


def _step(random: Random, number: int, device: int, order: int) -> Step:
    chance, expects, persists = random.random(), random.random() < 0.4, random.random() < 0.6
    if chance < 0.55:
        # Sometimes several devices send the same payment, or another one under the same key.
        key = f"pay-{order}" if random.random() < 0.15 else f"pay-{number}"
        return Step(number, device, "pay", order, random.choice(PAYMENTS), key, expects, persists)
    if chance < 0.68:
        return Step(number, device, "cancel", order, 0, f"cancel-{number}", expects, persists)
    reads: tuple[Verb, ...] = ("read", "await", "look")
    return Step(number, device, random.choice(reads), order)
