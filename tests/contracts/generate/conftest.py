import pytest

from tests.contracts.generate.repository import Repository


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return Repository.copied(tmp_path_factory.mktemp("repository"))
