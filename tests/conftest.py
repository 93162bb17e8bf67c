"""What every test shares: checked types, one thread, no GPU unless there is one."""

import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest

SOURCE = Path(__file__).parents[1] / "platform" / "posebridge"

# Two test processes on two cores. Before torch or numpy is loaded; a stage sets its own number.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

# Shapes and types are checked at every call. Not in synthesis: numba cannot compile a function
# that has been wrapped, and it holds no tensors. An int may stand for a float, as for mypy.
jaxtyping.install_import_hook(
    [f"posebridge.{m.name}" for m in pkgutil.iter_modules([str(SOURCE)]) if m.name != "synthesis"],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew, to be read in the diff."""
    parser.addoption("--rewrite-golden", action="store_true", help="write golden files anew")


@pytest.fixture(scope="session")
def s3() -> Iterator[None]:
    """An S3 server that this process and those it starts use."""
    from object_store import s3_server

    with s3_server():
        yield


@pytest.fixture
def bucket(s3: None) -> str:
    """The URI of an empty bucket."""
    from object_store import new_bucket

    return new_bucket()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked gpu where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))
