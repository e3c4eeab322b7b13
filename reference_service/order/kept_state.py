"""The state as a snapshot keeps it: what decisions rest on, and nothing personal."""

from __future__ import annotations

import msgspec

from reference_service.order.events import VERSIONS
from reference_service.order.state import Existing, NotPlaced, Order
from reference_service.schemas import Undecodable

# Raised whenever a history leads to another state than before, or a state to another text: by a
# change of state.py, of `evolve`, or of an upcaster. tests/order/test_kept_state.py notices.
STATE_SCHEMA = 1


class KeptOrders:
    """The codec of order states.

    Where an order is delivered is left out: no decision looks at it, and what is nowhere but in the
    events is erased with them.
    """

    # A deployment that knows other versions of an event may fold it to something else, or not read
    # it at all.
    schema = ",".join([f"order/{STATE_SCHEMA}", *(f"{kind}/{v}" for kind, v in VERSIONS.items())])

    def encode(self, state: Order) -> str:
        if isinstance(state, NotPlaced):
            raise TypeError("an order without a commit has no snapshot")
        return msgspec.json.encode(msgspec.structs.replace(state, delivery=None)).decode()

    def decode(self, text: str) -> Order:
        try:
            state: Existing = _STATES.decode(text)
        except msgspec.DecodeError as fault:
            raise Undecodable(f"a text that is no order's state: {fault}") from fault
        return state


_STATES = msgspec.json.Decoder(Existing)
