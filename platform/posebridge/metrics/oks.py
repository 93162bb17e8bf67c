"""OKS, and the average precision by it as COCO and CrowdPose define it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from jaxtyping import Bool, Float, Int

from posebridge.skeletons import Skeleton

CROWDPOSE_AREA = 0.53
"""Of the box; CrowdPose has no segments, whose areas COCO uses."""


@dataclass(frozen=True)
class People:
    """The truth about all people of some images.

    Attributes:
        image: number of the image each person is in.
        keypoints: pixels; not read where not labelled.
        labelled: people without a labelled keypoint are never missed, and predictions near their
            box are ignored.
        boxes: (x, y, width, height), pixels.
        areas: of the person's segment, px². CrowdPose's are `crowdpose_areas(boxes)`.
        is_crowd: rows that stand for a group of people, as COCO has them; None means none are.
    """

    image: Int[np.ndarray, " person"]
    keypoints: Float[np.ndarray, "person keypoint 2"]
    labelled: Bool[np.ndarray, "person keypoint"]
    boxes: Float[np.ndarray, "person 4"]
    areas: Float[np.ndarray, " person"]
    is_crowd: Bool[np.ndarray, " person"] | None = None


@dataclass(frozen=True)
class Detections:
    """What a system says about the same images.

    Attributes:
        image: number of the image.
        keypoints: pixels; NaN where the system failed, which is worth an OKS of nothing there.
        scores: confidence that this is a person and its pose, any scale.
    """

    image: Int[np.ndarray, " detection"]
    keypoints: Float[np.ndarray, "detection keypoint 2"]
    scores: Float[np.ndarray, " detection"]


def oks(
    distances: Float[np.ndarray, "person keypoint"],
    labelled: Bool[np.ndarray, "person keypoint"],
    areas: Float[np.ndarray, " person"],
    skeleton: Skeleton,
) -> Float[np.ndarray, " person"]:
    """Object keypoint similarity: the mean of `exp(-d² / (2·area·(2σ)²))` over labelled keypoints.

    Args:
        distances: of predictions from truth, pixels. NaN on a labelled keypoint is a failure and
            adds nothing to the mean.
        labelled: which keypoints have a truth.
        areas: of the people, px²; 0.53·width·height of the box on CrowdPose.
        skeleton: supplies the sigmas.

    Returns:
        In [0, 1], higher is better; NaN for a person without a labelled keypoint or area.

    Raises:
        ValueError: if no sigmas are known for the skeleton.

    Sources:
        [0] https://cocodataset.org/#keypoints-eval

    Example:
        >>> from posebridge.skeletons import INFANT21
        >>> off, known = np.zeros((1, 21)), np.ones((1, 21), bool)
        >>> oks(off, known, np.array([100.0]), INFANT21)
        array([1.])
    """
    variances = (2 * known_sigmas(skeleton)) ** 2
    defined = (areas > 0) & labelled.any(1)
    scale = 2 * np.where(defined, areas, 1.0)[:, None] * variances
    similarity = np.where(labelled & ~np.isnan(distances), np.exp(-(distances**2) / scale), 0.0)
    count = np.where(defined, labelled.sum(1), 1)
    mean: Float[np.ndarray, " person"] = np.where(defined, similarity.sum(1) / count, np.nan)
    return mean


def crowdpose_areas(boxes: Float[np.ndarray, "person 4"]) -> Float[np.ndarray, " person"]:
    """The areas CrowdPose's OKS is scaled with: 0.53·width·height of the box, px².

    Example:
        >>> crowdpose_areas(np.array([[0.0, 0, 10, 10]]))
        array([53.])
    """
    areas: Float[np.ndarray, " person"] = CROWDPOSE_AREA * boxes[:, 2] * boxes[:, 3]
    return areas


def coco_ap(truth: People, detections: Detections, skeleton: Skeleton) -> dict[str, float]:
    """Average precision and recall over OKS thresholds 0.50, 0.55, …, 0.95, as COCO reports them.

    At most 20 detections an image, 101 recall levels, medium from 32² to 96² px², large above.

    Args:
        truth: all people of the images, those without labels included.
        detections: by the system.
        skeleton: supplies the sigmas.

    Returns:
        `ap`, `ap50`, `ap75`, `ap_medium`, `ap_large` and `ar`, in [0, 1], NaN where there are no
        such people.

    Raises:
        ValueError: if no sigmas are known for the skeleton.
    """
    evaluation = _evaluated(truth, detections, skeleton, _images(truth, detections))
    return {
        "ap": _precision(evaluation),
        "ap50": _precision(evaluation, threshold=0),
        "ap75": _precision(evaluation, threshold=5),
        "ap_medium": _precision(evaluation, area=1),
        "ap_large": _precision(evaluation, area=2),
        "ar": _mean(evaluation["recall"][:, :, 0]),
    }


def crowdpose_ap(
    truth: People,
    detections: Detections,
    skeleton: Skeleton,
    *,
    crowd_index: Mapping[int, float],
    bounds: tuple[float, float] = (0.1, 0.8),
) -> dict[str, float]:
    """Average precision as CrowdPose reports it: on all images, and on easy, medium and hard ones.

    Args:
        truth: all people of the images; its areas must be `crowdpose_areas(boxes)`.
        detections: by the system.
        skeleton: supplies the sigmas.
        crowd_index: `crowdIndex` of each image, from the annotations; how much people overlap.
        bounds: easy is below the first, hard not below the second. The paper says (0.1, 0.8),
            which is the default; the official code uses (0.2, 0.8), by which many published
            numbers were made. State the bounds beside the numbers.

    Returns:
        `ap`, `ap50`, `ap75`, `ar`, `ap_easy`, `ap_medium` and `ap_hard`, in [0, 1], NaN where
        there are no such people.

    Raises:
        ValueError: if an image has no crowd index, areas are not CrowdPose's, or no sigmas are
            known for the skeleton.

    Sources:
        [0] Li et al., CrowdPose, 2019, https://arxiv.org/abs/1812.00324
        [1] https://github.com/Jeff-sjtu/CrowdPose crowdpose-api/PythonAPI/crowdposetools/
            cocoeval.py (we differ: bounds, and no rounding to four digits)
    """
    images = _images(truth, detections)
    unknown = [int(image) for image in images if int(image) not in crowd_index]
    if unknown:
        raise ValueError(f"every image must have a crowd index, but {unknown[:5]} have none.")
    if not np.allclose(truth.areas, crowdpose_areas(truth.boxes)):
        raise ValueError("areas must be 0.53·width·height on CrowdPose; use crowdpose_areas.")
    evaluation = _evaluated(truth, detections, skeleton, images)
    result = {
        "ap": _precision(evaluation),
        "ap50": _precision(evaluation, threshold=0),
        "ap75": _precision(evaluation, threshold=5),
        "ar": _mean(evaluation["recall"][:, :, 0]),
    }
    level = np.searchsorted(bounds, [crowd_index[int(image)] for image in images], side="right")
    for number, name in enumerate(("easy", "medium", "hard")):
        part = _evaluated(truth, detections, skeleton, images[level == number])
        result[f"ap_{name}"] = _precision(part)
    return result


def _images(truth: People, detections: Detections) -> Int[np.ndarray, " image"]:
    """Every image with a person or a detection; a detection where nobody is counts against us."""
    images: Int[np.ndarray, " image"] = np.union1d(truth.image, detections.image)
    return images


def known_sigmas(skeleton: Skeleton) -> Float[np.ndarray, " keypoint"]:
    """The OKS constants of a skeleton.

    Raises:
        ValueError: if none were published for it.
    """
    if not skeleton.sigmas:
        raise ValueError(
            f"OKS needs sigmas, but none were published for {skeleton.name}. Map to coco17 or "
            "crowdpose14 first, or report PCK."
        )
    return np.array(skeleton.sigmas)


def _evaluated(
    truth: People, detections: Detections, skeleton: Skeleton, images: Int[np.ndarray, " image"]
) -> dict[str, Any]:
    """Precision, 10 thresholds × 101 recalls × 1 × 3 areas × 1, and recall, 10 × 1 × 3 × 1."""
    if not len(images):
        return {"precision": -np.ones((10, 101, 1, 3, 1)), "recall": -np.ones((10, 1, 3, 1))}
    numbered = {"images": [{"id": int(image)} for image in _images(truth, detections)]}
    categories = {"categories": [{"id": 1, "name": "person"}]}
    evaluation = COCOeval_faster(
        COCO(numbered | categories | {"annotations": _truth_annotations(truth)}),
        COCO(numbered | categories | {"annotations": _detection_annotations(detections)}),
        "keypoints",
        kpt_oks_sigmas=known_sigmas(skeleton),
    )
    evaluation.params.imgIds = images.tolist()
    evaluation.evaluate()
    evaluation.accumulate()
    return {name: np.asarray(evaluation.eval[name]) for name in ("precision", "recall")}


def _truth_annotations(truth: People) -> list[dict[str, Any]]:
    keypoints = np.where(truth.labelled[..., None], truth.keypoints, 0.0)
    triples = np.concatenate((keypoints, 2 * truth.labelled[..., None]), -1)
    is_crowd = np.zeros(len(truth.image), bool) if truth.is_crowd is None else truth.is_crowd
    return [
        {
            "id": number + 1,
            "image_id": int(truth.image[number]),
            "category_id": 1,
            "iscrowd": int(is_crowd[number]),
            "bbox": truth.boxes[number].tolist(),
            "area": float(truth.areas[number]),
            "num_keypoints": int(truth.labelled[number].sum()),
            "keypoints": triples[number].ravel().tolist(),
        }
        for number in range(len(truth.image))
    ]


def _detection_annotations(detections: Detections) -> list[dict[str, Any]]:
    """Failed keypoints go infinitely far away, where their OKS is zero; areas leave them out."""
    found = np.isfinite(detections.keypoints).all(-1, keepdims=True)
    lowest = np.where(found, detections.keypoints, np.inf).min(1)
    highest = np.where(found, detections.keypoints, -np.inf).max(1)
    sides = np.where(found.any(1), highest - lowest, 0.0)
    away = np.where(found, detections.keypoints, np.inf)
    triples = np.concatenate((away, np.ones_like(found, float)), -1)
    return [
        {
            "id": number + 1,
            "image_id": int(detections.image[number]),
            "category_id": 1,
            "iscrowd": 0,
            "score": float(detections.scores[number]),
            "bbox": [*lowest[number], *sides[number]],
            "area": float(sides[number].prod()),
            "keypoints": triples[number].ravel().tolist(),
        }
        for number in range(len(detections.image))
    ]


def _precision(
    evaluation: Mapping[str, Any], *, threshold: int | None = None, area: int = 0
) -> float:
    precision = evaluation["precision"][:, :, :, area]
    return _mean(precision if threshold is None else precision[threshold])


def _mean(values: Float[np.ndarray, "..."]) -> float:
    """Mean of the cells that stand for people; the evaluator marks the others with -1."""
    present = values[values > -1]
    return float(present.mean()) if present.size else float("nan")
