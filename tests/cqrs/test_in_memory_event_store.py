import pytest

from reference_service.cqrs.memory import InMemoryEventStore
from tests.cqrs.event_store_contract import EventStoreContract, stream  # noqa: F401


class TestInMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryEventStore:
        return InMemoryEventStore()
