from pathlib import Path

import pytest

from engine.people import ADULTS, INFANTS, borrow, make
from posebridge.engine.artifacts import Store


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that has the populations; not to be written to."""
    store = Store(str(tmp_path_factory.mktemp("made")))
    make(store, [ADULTS, INFANTS])
    return store


@pytest.fixture
def store(made: Store, tmp_path: Path) -> Store:
    """A store of the test's own, with the populations in it."""
    return borrow(made, tmp_path)
