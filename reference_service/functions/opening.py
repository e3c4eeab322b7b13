"""Personal data as it may be shown: opened with the customer's key, null once that is destroyed."""

from typing import NamedTuple

from reference_service.cqrs.keys import PersonalKeys
from reference_service.order import address
from reference_service.order.events import Delivery
from reference_service.schemas import Undecodable
from reference_service.sealing import DataKey, Sealed, Unsealable, key_of


class _Looked(NamedTuple):
    key: DataKey | None


class Opening:
    """For the answer to one request about orders of one customer: the key is looked up once."""

    def __init__(self, keys: PersonalKeys, customer_id: str) -> None:
        self._keys = keys
        self._customer_id = customer_id
        self._looked: _Looked | None = None

    def delivery(self, order_id: str, stored: Delivery | Sealed | None) -> Delivery | None:
        """What was stored before there was sealing is shown as it stands.

        Raises Unavailable, and Undecodable for what the key that it names does not open.
        """
        if not isinstance(stored, str):
            return stored
        try:
            key = self._key()
            if key is None or key.id != key_of(stored):
                return None
            return address.opened(Sealed(stored), key, order_id)
        except Unsealable as fault:
            raise Undecodable(f"order {order_id}: {fault}") from fault

    def _key(self) -> DataKey | None:
        if self._looked is None:
            self._looked = _Looked(self._keys.find(self._customer_id))
        return self._looked.key
