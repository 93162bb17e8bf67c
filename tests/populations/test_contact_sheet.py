from pathlib import Path

import numpy as np
import pytest

from populations.toy import HEIGHT, WIDTH, Toy, make, toy_person
from posebridge.populations.contact_sheet import TILE_HEIGHT_PX, annotated, bare, contact_sheet
from posebridge.populations.manifest import open_population
from posebridge.skeletons import COCO17

TILE_WIDTH_PX = TILE_HEIGHT_PX * WIDTH // HEIGHT


def test_a_sheet_has_a_tile_for_each_person_in_rows(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    opened = open_population(tmp_path)
    drawn = contact_sheet(opened, "train", count=5, columns=3)
    assert drawn.shape == (2 * TILE_HEIGHT_PX, 3 * TILE_WIDTH_PX, 3)
    assert (drawn[TILE_HEIGHT_PX:, 2 * TILE_WIDTH_PX :] == 0).all()  # no sixth person
    assert contact_sheet(opened, "test", count=2).shape[1] == 2 * TILE_WIDTH_PX


def test_seen_keypoints_are_green_hidden_ones_red_and_others_absent() -> None:
    person = toy_person("p", "i", np.random.default_rng(0))
    person.visibility[0] = 1
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    drawn = annotated(image, person, COCO17).astype(int)
    scale = TILE_HEIGHT_PX / HEIGHT

    def at(index: int) -> np.ndarray:
        x, y = np.rint(scale * person.keypoints[index] - 0.5).astype(int)
        return np.asarray(drawn[y, x])

    assert at(16).tolist() == [120, 120, 120]
    blue, green, red = at(0)
    assert red > 200 > green
    blue, green, red = at(10)
    assert green > 200 > red


def test_a_wider_stroke_covers_more() -> None:
    person = toy_person("p", "i", np.random.default_rng(0))
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    thin, wide = (annotated(image, person, COCO17, stroke_px=px) for px in (1, 3))
    assert (wide != 120).any(-1).sum() > 1.5 * (thin != 120).any(-1).sum()


def test_a_bare_tile_is_the_picture_enlarged() -> None:
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2], image[:, WIDTH // 2 :] = (10, 20, 30), (200, 100, 50)
    shown = bare(image, toy_person("p", "i", np.random.default_rng(0)), COCO17)
    assert shown.shape == (TILE_HEIGHT_PX, TILE_WIDTH_PX, 3)
    middle = TILE_WIDTH_PX // 2
    assert (shown[:, : middle - 8] == (30, 20, 10)).all()
    assert (shown[:, middle + 8 :] == (50, 100, 200)).all()


def test_a_split_without_people_is_refused(tmp_path: Path) -> None:
    make(Toy(), str(tmp_path))
    with pytest.raises(ValueError, match="needs at least one person, but split 'train'"):
        contact_sheet(open_population(tmp_path), "train", count=0)
