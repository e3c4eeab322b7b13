"""The keys that personal data is sealed with: at most one at a time for each customer."""

from typing import Protocol

from reference_service.sealing import DataKey


class PersonalKeys(Protocol):
    """Every method raises Unavailable."""

    def find(self, customer_id: str) -> DataKey | None:
        """The customer's key as it stands now."""

    def ensure(self, customer_id: str) -> DataKey:
        """The customer's key, made when there is none; of several makers one wins."""

    def current(self, customer_id: str) -> str | None:
        """The id of the customer's key, which says nothing about the key."""

    def destroy(self, customer_id: str, key_id: str) -> None:
        """For good, unless the customer has another key or none by now."""
