import pytest

from commands.question import Face, write_question


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Face, int, str]:
    """The first run of the experiment: its status and what it printed; not to be changed."""
    folder = tmp_path_factory.mktemp("first")
    face = Face(folder / "store", write_question(folder / "experiments"))
    return face, *face.ask("run", "--debug")
