import pytest

from commands.question import Face, write_question
from populations.toy import Toy
from posebridge.commands import populations
from posebridge.populations import population_class
from posebridge.populations.base import Population


@pytest.fixture
def toy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the toy population were one of the package's."""

    def known(name: str) -> type[Population]:
        return Toy if name == "toy" else population_class(name)

    monkeypatch.setattr(populations, "population_class", known)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Face, int, str]:
    """The first run of the experiment: its status and what it printed; not to be changed."""
    folder = tmp_path_factory.mktemp("first")
    face = Face(folder / "store", write_question(folder / "experiments"))
    return face, *face.ask("run", "--debug")
