import json
from pathlib import Path
from typing import Any

import pytest

from populations.importers.reading import listed, people
from populations.importers.writing import category, person, picture, write_folder, write_json
from posebridge.populations.importers.folder import FolderOfImages, divide
from posebridge.populations.importers.source import Source, SourceError
from posebridge.skeletons import COCO17, INFANT21

SPLITS = ("train", "validation", "test")


def babies(folder: Path, count: int = 10, **about: Any) -> Path:
    """Two images of each of some babies."""
    images = [picture(i, subject=f"baby {i // 2}", **about) for i in range(2 * count)]
    return write_folder(folder, images, [person(i, i) for i in range(2 * count)])


def subjects(folder: Path, split: str) -> set[str]:
    return {one.subject for one in people(FolderOfImages(), folder, f"babies:{split}")}


def test_a_single_json_is_divided_by_subject(tmp_path: Path) -> None:
    babies(tmp_path)
    found = FolderOfImages().splits(Source(str(tmp_path)))
    assert found == {split: (f"babies:{split}",) for split in SPLITS}
    train, validation, test = (subjects(tmp_path, split) for split in SPLITS)
    assert (len(train), len(validation), len(test)) == (6, 2, 2)
    assert not train & validation
    assert not (train | validation) & test


def test_a_video_is_of_one_subject_where_nobody_is_named(tmp_path: Path) -> None:
    images = [picture(i, sequence=f"video {i % 3}") for i in range(9)]
    write_folder(tmp_path, images, [person(i, i) for i in range(9)])
    assert len(subjects(tmp_path, "train")) == 1


def test_whoever_is_said_in_the_annotation_counts(tmp_path: Path) -> None:
    people_ = [person(i, i, subject="one" if i < 5 else "two") for i in range(10)]
    write_folder(tmp_path, [picture(i) for i in range(10)], people_)
    assert FolderOfImages().splits(Source(str(tmp_path))).keys() == {"train", "test"}


@pytest.mark.parametrize(("count", "sizes"), [(1, (0, 0, 1)), (2, (1, 0, 1)), (3, (1, 1, 1))])
def test_few_subjects_are_divided_so_that_somebody_is_tested(
    count: int, sizes: tuple[int, ...]
) -> None:
    found = divide({str(number) for number in range(count)})
    assert tuple(len(found[split]) for split in SPLITS) == sizes


def test_whoever_cannot_be_used_is_counted_once_over_all_shares(tmp_path: Path) -> None:
    babies(tmp_path)
    file = tmp_path / "babies.json"
    content = json.loads(file.read_text())
    content["annotations"].append(person(100, 3, iscrowd=1))
    content["images"].append(picture(50))
    content["annotations"].append(person(101, 50, iscrowd=1))
    file.write_text(json.dumps(content))
    counts = [listed(FolderOfImages(), tmp_path, f"babies:{split}")[1] for split in SPLITS]
    assert sum(count["annotation of a crowd"] for count in counts) == 2


def test_jsons_named_after_splits_are_these(tmp_path: Path) -> None:
    babies(tmp_path)
    for name in ("Train_v2", "val", "test"):
        (tmp_path / f"{name}.json").write_text((tmp_path / "babies.json").read_text())
    (tmp_path / "babies.json").unlink()
    assert FolderOfImages().splits(Source(str(tmp_path))) == {
        "train": ("Train_v2",),
        "test": ("test",),
        "validation": ("val",),
    }


def test_several_jsons_of_other_names_want_to_be_told_apart(tmp_path: Path) -> None:
    babies(tmp_path)
    (tmp_path / "more.json").write_text((tmp_path / "babies.json").read_text())
    with pytest.raises(SourceError, match=r"named train, val or test, but are babies, more\. Say"):
        FolderOfImages().splits(Source(str(tmp_path)))


def test_a_folder_without_a_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(
        SourceError, match=r"must be a COCO json below .*none among its 1 files \(a"
    ):
        FolderOfImages().parts(Source(str(tmp_path)))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"must lie in a folder with files, but .* has none"):
        FolderOfImages().parts(Source(str(tmp_path)))


@pytest.mark.parametrize(
    ("names", "found"), [(COCO17.keypoints, COCO17), (INFANT21.keypoints, INFANT21), ((), COCO17)]
)
def test_keypoints_of_known_names_are_a_known_skeleton(
    tmp_path: Path, names: Any, found: Any
) -> None:
    babies(tmp_path)
    about = {"id": 1, "name": "person"} | ({"keypoints": list(names)} if names else {})
    write_json(tmp_path / "babies.json", {"images": [], "annotations": [], "categories": [about]})
    assert FolderOfImages().skeleton(Source(str(tmp_path))) == found


def test_other_keypoints_are_a_skeleton_of_their_own(tmp_path: Path) -> None:
    names = ["Head", "LeftHand", "RightHand"]
    about = category() | {"keypoints": names, "skeleton": [[1, 2], [1, 3]]}
    write_json(tmp_path / "babies.json", {"images": [], "annotations": [], "categories": [about]})
    found = FolderOfImages().skeleton(Source(str(tmp_path)))
    assert found.keypoints == ("head", "left_hand", "right_hand")
    assert found.flip_pairs == ((1, 2),)
    assert found.limbs == ((0, 1), (0, 2))


def test_jsons_of_different_keypoints_are_refused(tmp_path: Path) -> None:
    for name, keypoints in (
        ("train", ["left_eye", "right_eye"]),
        ("test", list(COCO17.keypoints)),
    ):
        about = [{"id": 1, "keypoints": keypoints}]
        write_json(
            tmp_path / f"{name}.json", {"images": [], "annotations": [], "categories": about}
        )
    with pytest.raises(
        SourceError, match=r"same keypoints in the same order, but they have \(test"
    ):
        FolderOfImages().skeleton(Source(str(tmp_path)))
