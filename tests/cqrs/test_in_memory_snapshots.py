import pytest

from reference_service.cqrs.memory import InMemorySnapshots
from tests.cqrs.snapshot_store_contract import SnapshotStoreContract, stream  # noqa: F401


class TestInMemorySnapshots(SnapshotStoreContract):
    @pytest.fixture
    def kept(self) -> InMemorySnapshots:
        return InMemorySnapshots()
