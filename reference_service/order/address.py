"""Where an order is delivered, sealed under its customer's key."""

from __future__ import annotations

import msgspec

from reference_service.order.events import Delivery
from reference_service.sealing import DataKey, Sealed, Unsealable, seal, unseal


class _Values(msgspec.Struct, array_like=True):
    """Without the names of the fields, which would cost a quarter of the text."""

    recipient: str
    street: str
    city: str
    postal_code: str
    country: str


_DECODER = msgspec.json.Decoder(_Values)


def sealed(delivery: Delivery, key: DataKey, order_id: str) -> Sealed:
    values = _Values(*msgspec.structs.astuple(delivery))
    return seal(msgspec.json.encode(values), key, f"order-{order_id}")


def opened(text: Sealed, key: DataKey, order_id: str) -> Delivery:
    """Raises Unsealable."""
    try:
        values = _DECODER.decode(unseal(text, key, f"order-{order_id}"))
    except msgspec.MsgspecError as fault:
        raise Unsealable(f"what is sealed for order {order_id} is no address") from fault
    return Delivery(**msgspec.structs.asdict(values))
