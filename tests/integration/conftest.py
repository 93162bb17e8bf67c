import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.people import ADULTS, INFANTS, make
from posebridge.engine.artifacts import Store
from posebridge.engine.cluster import cluster

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def local_cluster() -> Iterator[None]:
    """Ray on this machine, whose workers find what the tests define."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TESTS), *([before] if before else [])])
    with cluster(None):
        yield
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store that has the populations; not to be written to."""
    store = Store(str(tmp_path_factory.mktemp("made")))
    make(store, [ADULTS, INFANTS])
    return store
