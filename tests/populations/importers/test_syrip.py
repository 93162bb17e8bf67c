from pathlib import Path

from populations.importers.reading import people
from populations.importers.writing import write_syrip
from posebridge.populations.importers.source import Source
from posebridge.populations.importers.syrip import Syrip


def test_photographs_and_renderings_are_told_apart(tmp_path: Path) -> None:
    found = people(Syrip(), write_syrip(tmp_path), "200R_1000S")
    assert [one.attributes["origin"] for one in found] == ["photograph", "photograph", "rendered"]


def test_postures_are_kept_where_they_are_given(tmp_path: Path) -> None:
    found = people(Syrip(), write_syrip(tmp_path), "200R_1000S")
    assert [one.attributes.get("posture") for one in found] == ["supine", "supine", None]


def test_it_is_trained_on_1200_and_reported_on_500(tmp_path: Path) -> None:
    source = Source(str(write_syrip(tmp_path)))
    assert Syrip().splits(source) == {"train": ("200R_1000S",), "test": ("validate500",)}
    assert Syrip().parts(source) == ("200R_1000S", "Test100", "validate500")


def test_an_infant_of_test100_is_the_same_in_validate500(tmp_path: Path) -> None:
    write_syrip(tmp_path)
    hundred, five_hundred = (people(Syrip(), tmp_path, p) for p in ("Test100", "validate500"))
    assert [one.person_id for one in hundred] == ["syrip-validate/1"]
    assert {one.subject for one in hundred} < {one.subject for one in five_hundred}
