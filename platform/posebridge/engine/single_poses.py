"""One pose a person, of those that a detector's boxes give; as published results are made."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from posebridge.engine.coco import PersonBox
from posebridge.engine.predictors import Guess
from posebridge.metrics.oks import Detections
from posebridge.metrics.oks_nms import oks_nms, rescored
from posebridge.populations.crops import BOX_PADDING, crop_from_image
from posebridge.skeletons import Skeleton


@dataclass(frozen=True)
class SinglePoses:
    """Scores poses by their box and their sure keypoints, and keeps the surest of each person.

    Attributes:
        skeleton: of the keypoints; its sigmas say what is the same pose.
        height: of what the estimator is shown, px.
        width: of what the estimator is shown, px.
    """

    skeleton: Skeleton
    height: int
    width: int

    def __call__(self, people: Sequence[Guess]) -> list[tuple[Guess, float]]:
        """The people of one image that stay, with their scores.

        Raises:
            ValueError: if no sigmas are known for the skeleton.
        """
        if not people:
            return []
        scores = rescored(
            np.array([one.box.score for one in people]),
            np.stack([one.confidence for one in people]),
        )
        keypoints = np.stack([one.keypoints for one in people])
        found = Detections(np.zeros(len(people), int), keypoints, scores)
        areas = np.array([self._shown_px2(one.box) for one in people])
        return [(people[i], float(scores[i])) for i in oks_nms(found, areas, self.skeleton)]

    def _shown_px2(self, box: PersonBox) -> float:
        """Area of the image that the estimator was shown: the box, widened and padded."""
        crop_px = crop_from_image(box.xywh, self.height, self.width, padding=BOX_PADDING)[0, 0]
        return float(self.height * self.width / crop_px**2)
