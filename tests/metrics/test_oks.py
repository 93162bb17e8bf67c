"""OKS and average precision against pycocotools."""

import contextlib
import dataclasses
import io
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from posebridge.metrics.oks import (
    Detections,
    People,
    coco_ap,
    crowdpose_ap,
    crowdpose_areas,
    oks,
)
from posebridge.skeletons import BODY16, COCO17, CROWDPOSE14, Skeleton


def some_people(
    skeleton: Skeleton, *, crowd: bool = False, num_images: int = 12
) -> tuple[People, Detections]:
    """Up to four people an image, some unlabelled, and noisy, missing and surplus detections."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.arange(1, num_images + 1), rng.integers(1, 5, num_images))
    count, size = len(image), skeleton.num_keypoints
    boxes = np.concatenate(
        (rng.uniform(0, 200, (count, 2)), rng.uniform(30, 250, (count, 2))), axis=1
    )
    keypoints = boxes[:, None, :2] + rng.random((count, size, 2)) * boxes[:, None, 2:]
    labelled = rng.random((count, size)) < 0.7
    labelled[::7] = False
    areas = (
        crowdpose_areas(boxes) if crowd else rng.uniform(0.3, 0.9, count) * boxes[:, 2:].prod(1)
    )
    noise = rng.uniform(0, 25, (count, 1, 1)) * rng.normal(size=keypoints.shape)
    found = np.flatnonzero(rng.random(count) < 0.85)
    twice = np.concatenate((found, found[:5]))
    empty_image = np.full(3, num_images + 1)
    detections = Detections(
        np.concatenate((image[twice], empty_image)),
        np.concatenate(((keypoints + noise)[twice], keypoints[:3])),
        rng.random(len(twice) + 3),
    )
    return People(image, keypoints, labelled, boxes, areas), detections


def pycocotools_evaluation(
    truth: People, detections: Detections, skeleton: Skeleton, images: list[int] | None = None
) -> Any:
    annotations = [
        {
            "id": number + 1,
            "image_id": int(image),
            "category_id": 1,
            "iscrowd": 0 if truth.is_crowd is None else int(truth.is_crowd[number]),
            "bbox": list(truth.boxes[number]),
            "area": truth.areas[number],
            "num_keypoints": int(truth.labelled[number].sum()),
            "keypoints": np.column_stack((truth.keypoints[number], truth.labelled[number] * 2))
            .ravel()
            .tolist(),
        }
        for number, image in enumerate(truth.image)
    ]
    results = [
        {
            "image_id": int(image),
            "category_id": 1,
            "score": score,
            "keypoints": np.column_stack((points, np.ones(len(points)))).ravel().tolist(),
        }
        for image, points, score in zip(
            detections.image, detections.keypoints, detections.scores, strict=True
        )
    ]
    all_images = sorted({int(i) for i in (*truth.image, *detections.image)})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": image} for image in all_images],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": annotations,
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(skeleton.sigmas)
        evaluation.params.imgIds = images or all_images
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def test_oks_agrees_with_pycocotools() -> None:
    truth, detections = some_people(COCO17)
    matrices = pycocotools_evaluation(truth, detections, COCO17).ious
    compared = 0
    for image in np.unique(truth.image):
        people = np.flatnonzero(truth.image == image)
        guesses = np.flatnonzero(detections.image == image)
        guesses = guesses[np.argsort(-detections.scores[guesses], kind="mergesort")]
        for row, guess in enumerate(guesses):
            off = np.linalg.norm(truth.keypoints[people] - detections.keypoints[guess], axis=-1)
            ours = oks(off, truth.labelled[people], truth.areas[people], COCO17)
            theirs = np.asarray(matrices[int(image), 1])[row]
            known = truth.labelled[people].any(1)
            np.testing.assert_allclose(ours[known], theirs[known])
            assert np.isnan(ours[~known]).all()
            compared += int(known.sum())
    assert compared > 40


def test_oks_agrees_with_a_slow_loop() -> None:
    rng = np.random.default_rng(1)
    off, labelled = rng.uniform(0, 40, (6, 14)), rng.random((6, 14)) < 0.6
    areas = rng.uniform(400, 9000, 6)
    for person, value in enumerate(oks(off, labelled, areas, CROWDPOSE14)):
        terms = [
            np.exp(-(off[person, k] ** 2) / (2 * areas[person] * (2 * CROWDPOSE14.sigmas[k]) ** 2))
            for k in range(14)
            if labelled[person, k]
        ]
        assert value == pytest.approx(sum(terms) / len(terms))


def test_a_failed_keypoint_adds_nothing_to_the_oks_and_an_unlabelled_one_is_absent() -> None:
    off, labelled = np.zeros((1, 17)), np.ones((1, 17), bool)
    off[0, 3] = np.nan
    assert oks(off, labelled, np.array([900.0]), COCO17)[0] == pytest.approx(16 / 17)
    labelled[0, 3] = False
    assert oks(off, labelled, np.array([900.0]), COCO17)[0] == 1.0


def test_oks_of_nothing_is_nan() -> None:
    off, labelled = np.zeros((2, 17)), np.array([[False] * 17, [True] * 17])
    assert np.isnan(oks(off, labelled, np.array([900.0, 0.0]), COCO17)).all()


def test_a_skeleton_without_sigmas_has_no_oks() -> None:
    with pytest.raises(ValueError, match="none were published for body16. Map to coco17"):
        oks(np.zeros((1, 16)), np.ones((1, 16), bool), np.array([900.0]), BODY16)


def test_coco_ap_agrees_with_pycocotools() -> None:
    truth, detections = some_people(COCO17)
    is_crowd = np.array(~truth.labelled.any(1))
    for people in (truth, dataclasses.replace(truth, is_crowd=is_crowd)):
        ours = coco_ap(people, detections, COCO17)
        stats = pycocotools_evaluation(people, detections, COCO17).stats
        assert list(ours.values()) == pytest.approx(list(stats[:6]), abs=1e-12)
        assert 0.1 < ours["ap"] < 0.9


def test_a_perfect_system_scores_one_and_an_empty_one_zero() -> None:
    truth, _ = some_people(COCO17)
    known = truth.labelled.any(1)
    perfect = Detections(truth.image[known], truth.keypoints[known], np.ones(known.sum()))
    assert coco_ap(truth, perfect, COCO17)["ap"] == pytest.approx(1.0)
    nothing = Detections(truth.image[:0], truth.keypoints[:0], np.ones(0))
    assert coco_ap(truth, nothing, COCO17)["ap"] == 0.0


def test_a_detection_where_nobody_is_costs_precision() -> None:
    truth, _ = some_people(COCO17)
    known = truth.labelled.any(1)
    perfect = Detections(truth.image[known], truth.keypoints[known], np.ones(known.sum()))
    surplus = Detections(
        np.append(perfect.image, 99),
        np.concatenate((perfect.keypoints, truth.keypoints[:1])),
        np.append(perfect.scores, 2.0),
    )
    assert coco_ap(truth, surplus, COCO17)["ap"] < 0.999


def test_a_failed_detection_counts_as_a_false_one() -> None:
    truth, _ = some_people(COCO17)
    known = truth.labelled.any(1)
    keypoints = truth.keypoints[known].copy()
    keypoints[0] = np.nan
    keypoints[1, :9] = np.nan
    with_failures = Detections(truth.image[known], keypoints, np.ones(known.sum()))
    result = coco_ap(truth, with_failures, COCO17)
    assert all(0 < value < 1 for value in result.values())
    recalled_at_half = 1 - 1 / known.sum()
    assert result["ar"] <= recalled_at_half


def test_crowdpose_ap_agrees_with_pycocotools_on_each_level() -> None:
    truth, detections = some_people(CROWDPOSE14, crowd=True)
    images = np.union1d(truth.image, detections.image)
    index = {int(image): 0.08 * number for number, image in enumerate(images)}
    levels = [
        [i for i in index if index[i] < 0.2],
        [i for i in index if 0.2 <= index[i] < 0.8],
        [i for i in index if index[i] >= 0.8],
    ]
    ours = crowdpose_ap(truth, detections, CROWDPOSE14, crowd_index=index, bounds=(0.2, 0.8))
    stats = pycocotools_evaluation(truth, detections, CROWDPOSE14).stats
    assert [ours[name] for name in ("ap", "ap50", "ap75", "ar")] == pytest.approx(
        [stats[0], stats[1], stats[2], stats[5]], abs=1e-12
    )
    for name, level in zip(("easy", "medium", "hard"), levels, strict=True):
        stats = pycocotools_evaluation(truth, detections, CROWDPOSE14, level).stats
        assert ours[f"ap_{name}"] == pytest.approx(stats[0], abs=1e-12)


def test_an_image_on_a_bound_belongs_to_the_harder_level() -> None:
    truth, detections = some_people(CROWDPOSE14, crowd=True, num_images=1)
    on_bound = {1: 0.1, 2: 0.1}
    result = crowdpose_ap(truth, detections, CROWDPOSE14, crowd_index=on_bound)
    assert result["ap_medium"] == result["ap"]
    assert np.isnan(result["ap_easy"])
    assert np.isnan(result["ap_hard"])


def test_crowdpose_needs_its_own_areas_and_every_crowd_index() -> None:
    truth, detections = some_people(CROWDPOSE14, crowd=True)
    with pytest.raises(ValueError, match=r"must have a crowd index, but \[1, 2, 3, 4, 5\] have"):
        crowdpose_ap(truth, detections, CROWDPOSE14, crowd_index={})
    index = dict.fromkeys(range(1, 14), 0.5)
    with pytest.raises(ValueError, match="0.53·width·height on CrowdPose; use crowdpose_areas"):
        crowdpose_ap(
            dataclasses.replace(truth, areas=truth.areas * 2),
            detections,
            CROWDPOSE14,
            crowd_index=index,
        )
