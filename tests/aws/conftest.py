from collections.abc import Iterator

import pytest

from reference_service.aws import generations
from reference_service.cqrs.memory import InMemoryEventStore
from tests.aws.rebuilding import Orders, of_role
from tests.database import ReadSide as Server


@pytest.fixture
def orders(read_side: Server) -> Iterator[Orders]:
    store = InMemoryEventStore()
    yield Orders(
        read_side, store, *(of_role(read_side, store, r) for r in ("projector", "operations"))
    )
    with read_side.connect() as admin, admin.transaction():  # one generation again, as it was
        admin.execute("SET LOCAL ROLE operations")
        admin.execute("UPDATE read_model.pointer SET building = NULL")
        for (name,) in admin.execute(
            "SELECT name FROM read_model.generation"
            " WHERE name <> (SELECT live FROM read_model.pointer)"
        ).fetchall():
            generations.drop(admin, name)
