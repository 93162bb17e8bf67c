import pytest

from posebridge.populations.importers.own_skeleton import plain, skeleton_named
from posebridge.populations.importers.source import SourceError
from posebridge.skeletons import COCO17, is_known


def test_names_may_be_written_in_many_ways() -> None:
    names = [name.replace("_", " ").title() for name in COCO17.keypoints]
    assert skeleton_named(names) == COCO17
    assert [plain(name) for name in ("LWrist", "wrist_l", "leftWrist")] == ["left_wrist"] * 3


def test_another_order_is_another_skeleton() -> None:
    found = skeleton_named(COCO17.keypoints[::-1])
    assert not is_known(found)
    assert sorted(found.flip_pairs) == sorted((16 - j, 16 - i) for i, j in COCO17.flip_pairs)


def test_the_same_keypoints_give_the_same_name_and_others_another() -> None:
    one, again, other = (
        skeleton_named(names)
        for names in (["left_a", "right_a"], ["left_a", "right_a"], ["left_b", "right_b"])
    )
    assert one == again
    assert one.name != other.name


@pytest.mark.parametrize(
    ("names", "alone"),
    [
        (["nose", "left_eye"], "left_eye"),
        (["a", "b"], "none"),
        (["left_a", "right_a", "Left A"], "none"),
    ],
)
def test_sides_that_cannot_be_told_are_refused(names: list[str], alone: str) -> None:
    with pytest.raises(
        SourceError, match=rf"each of these with its right_….*other side: {alone}\)"
    ):
        skeleton_named(names)
