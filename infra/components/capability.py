"""What a component of the topology is made of, so that alarms and exports find all of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

import pulumi

from infra.components.service_function import ServiceFunction
from infra.components.service_queue import DeadLetterQueue, ServiceQueue


class Capability(pulumi.ComponentResource):
    """A component that may own functions, queues, dead letters of its own, readers of streams.

    `exports` is what it tells the tools about itself, by the name of the stack's output.
    """

    exports: Mapping[str, pulumi.Input[Any]] = MappingProxyType({})
    functions: Sequence[ServiceFunction] = ()
    queues: Sequence[ServiceQueue] = ()
    dead_letters: Sequence[DeadLetterQueue] = ()
    stream_readers: Sequence[ServiceFunction] = ()


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """All of a topology's functions, queues and dead-letter queues, and who reads streams."""

    functions: Sequence[ServiceFunction]
    queues: Sequence[ServiceQueue]
    dead_letters: Sequence[DeadLetterQueue]
    stream_readers: Sequence[ServiceFunction]


def inventory(capabilities: Iterable[Capability]) -> Inventory:
    parts = list(capabilities)
    queues = list(chain.from_iterable(part.queues for part in parts))
    own_dead_letters = chain.from_iterable(part.dead_letters for part in parts)
    return Inventory(
        functions=list(chain.from_iterable(part.functions for part in parts)),
        queues=queues,
        dead_letters=[*(queue.dead_letters for queue in queues), *own_dead_letters],
        stream_readers=list(chain.from_iterable(part.stream_readers for part in parts)),
    )
