"""What holds for every importer. A new one is found by itself."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from posebridge.identity import describe, restore
from posebridge.populations import all_populations
from posebridge.populations.imported import SPLITS, check_name
from posebridge.populations.importers import all_importers, importer_class
from posebridge.populations.importers.base import Entry, Importer
from posebridge.populations.importers.source import Source, SourceError

every_importer = pytest.mark.parametrize("kind", all_importers(), ids=lambda kind: str(kind.name))


@every_importer
def test_it_says_what_it_is(kind: type[Importer]) -> None:
    check_name(kind.name)
    assert kind.licence
    assert kind.layout
    assert kind.citation or kind.name == "folder"
    assert importer_class(kind.name) is kind


@every_importer
def test_it_is_pure_data(kind: type[Importer]) -> None:
    assert restore(describe(kind())) == kind()
    assert pickle.loads(pickle.dumps(kind())) == kind()
    assert all(field.default is not dataclasses.MISSING for field in dataclasses.fields(kind))


@every_importer
def test_another_folder_is_refused_with_what_must_be_there(
    kind: type[Importer], tmp_path: Path
) -> None:
    (tmp_path / "holiday.txt").touch()
    source, importer = Source(str(tmp_path)), kind()
    with pytest.raises(SourceError, match=r"must (be|have) .*below .*, but (there is|has) none"):
        _entries(importer, source)


def _entries(importer: Importer, source: Source) -> list[Entry]:
    parts = [part for parts in importer.splits(source).values() for part in parts]
    return [entry for part in parts for entry in importer.entries(source, part)]


def test_no_importer_has_the_name_of_a_rendered_population() -> None:
    names = {kind.name for kind in all_importers()}
    assert not names & {kind.name for kind in all_populations()}


def test_there_are_the_data_sets_that_are_promised() -> None:
    promised = {"coco", "crowdpose", "mini-rgbd", "syrip", "wheelpose", "surreal", "lsp"}
    assert promised | {"human36m", "folder"} <= {kind.name for kind in all_importers()}
    assert SPLITS == ("train", "validation", "test")
