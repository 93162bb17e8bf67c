"""Canonical poses: where a path of guides begins, the same for everybody."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from posebridge.skeletons import Skeleton

Place = tuple[float, float]


@dataclass(frozen=True)
class CanonicalPose:
    """A pose that is the same for everybody, in any crop and on any skeleton that it names.

    Attributes:
        name: of it.
        places: of each keypoint by name: (x, y) from the centre of the crop, in heights of the
            crop, so that a crop of another shape shows the same body.
    """

    name: str
    places: tuple[tuple[str, Place], ...]

    def keypoints(
        self, skeleton: Skeleton, height: int, width: int
    ) -> Float[Tensor, "keypoint 2"]:
        """The pose in px of a crop.

        Raises:
            ValueError: if it does not place every keypoint of the skeleton.
        """
        known = dict(self.places)
        missing = [name for name in skeleton.keypoints if name not in known]
        if missing:
            raise ValueError(
                f"the canonical pose {self.name!r} must place every keypoint of {skeleton.name}, "
                f"but lacks {', '.join(missing)}. Give a CanonicalPose of your own, or start=None "
                "for the mean of the people that are learnt from."
            )
        shares = torch.tensor([known[name] for name in skeleton.keypoints])
        return shares * height + torch.tensor((width / 2, height / 2))


class StartPose(nn.Module):
    """The canonical pose of one estimator's crops: given, or the mean of the people learnt from.

    The mean is that of all visible keypoints seen so far, in the views that training shows: with
    wide rotations it says little.
    """

    given: Tensor
    total: Tensor
    count: Tensor

    def __init__(
        self, given: CanonicalPose | None, skeleton: Skeleton, height: int, width: int
    ) -> None:
        """Make it for crops of a size, px; `given` None takes the mean."""
        super().__init__()
        middle = torch.tensor((width / 2, height / 2)).repeat(skeleton.num_keypoints, 1)
        pose = middle if given is None else given.keypoints(skeleton, height, width)
        self.learns = given is None
        self.register_buffer("given", pose, persistent=False)
        self.register_buffer("total", torch.zeros(skeleton.num_keypoints, 2))
        self.register_buffer("count", torch.zeros(skeleton.num_keypoints, 1))

    @torch.no_grad()
    def observe(
        self, keypoints: Float[Tensor, "batch keypoint 2"], visible: Bool[Tensor, "batch keypoint"]
    ) -> None:
        """Take labelled people into the mean, px."""
        shown = visible[..., None]
        self.total += torch.where(shown, keypoints, 0.0).sum(dim=0)
        self.count += shown.sum(dim=0)

    def forward(self) -> Float[Tensor, "keypoint 2"]:
        """The pose, px; the middle of the crop for a keypoint whose mean nobody has shown."""
        if not self.learns:
            return self.given
        return torch.where(self.count > 0, self.total / self.count.clamp(min=1), self.given)


def symmetric(name: str, halves: Mapping[str, Place]) -> CanonicalPose:
    """A pose whose right side mirrors its left.

    Args:
        name: of the pose.
        halves: places of the midline by their names (x = 0), and of the left side by names without
            "left_". The subject's left is on the right of the picture.

    Example:
        >>> symmetric("tiny", {"nose": (0.0, -0.4), "hip": (0.05, 0.1)}).places
        (('nose', (0.0, -0.4)), ('left_hip', (0.05, 0.1)), ('right_hip', (-0.05, 0.1)))
    """
    places: list[tuple[str, Place]] = []
    for part, (x, y) in halves.items():
        sides = {part: x} if x == 0.0 else {f"left_{part}": x, f"right_{part}": -x}
        places += [(side, (place, y)) for side, place in sides.items()]
    return CanonicalPose(name, tuple(places))


STANDING = symmetric(
    "standing",
    {
        "nose": (0.0, -0.34),
        "eye": (0.0225, -0.355),
        "ear": (0.045, -0.345),
        "shoulder": (0.09, -0.23),
        "elbow": (0.12, -0.10),
        "wrist": (0.1275, 0.02),
        "hip": (0.0525, 0.02),
        "knee": (0.0525, 0.20),
        "ankle": (0.0525, 0.37),
        "head": (0.0, -0.40),
        "head_top": (0.0, -0.40),
        "neck": (0.0, -0.23),
        "thorax": (0.0, -0.23),
        "pelvis": (0.0, 0.02),
    },
)
"""An adult with arms down. The paper prints no coordinates: these are our own."""

SUPINE = symmetric(
    "supine",
    {
        "nose": (0.0, -0.255),
        "eye": (0.027, -0.277),
        "ear": (0.070, -0.276),
        "shoulder": (0.082, -0.180),
        "elbow": (0.201, -0.136),
        "wrist": (0.252, -0.164),
        "hip": (0.058, 0.070),
        "knee": (0.188, 0.112),
        "ankle": (0.156, 0.250),
    },
)
"""An infant on the back, head up: the mean of 120 people of `InfantReal(rung="C0",
rotation_deg=0.0)` train and of their mirror images."""

SEATED = symmetric(
    "seated",
    {
        "nose": (0.0, -0.306),
        "eye": (0.013, -0.323),
        "ear": (0.033, -0.319),
        "shoulder": (0.076, -0.228),
        "elbow": (0.116, -0.122),
        "wrist": (0.114, -0.102),
        "hip": (0.047, 0.003),
        "knee": (0.083, 0.073),
        "ankle": (0.073, 0.292),
    },
)
"""A person in a wheelchair, from the front: the mean of 120 people of `Wheelchair(view="front",
roll_deg=0.0)` train and of their mirror images."""
