"""How far two looks at the same person disagree."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def masked_consistency(
    student: Float[Tensor, "batch keypoint height width"],
    teacher: Float[Tensor, "batch keypoint height width"],
    trusted: Bool[Tensor, "batch keypoint"],
) -> Float[Tensor, ""]:
    """Squared error of the trusted maps, summed over cells, averaged over all maps.

    Maps that are not trusted count as zero error and stay in the average, so that the term grows
    with the share that is trusted.

    Args:
        student: maps in the canonical frame.
        teacher: maps to reach, same frame; give them without gradient. Not read where not trusted.
        trusted: keypoints that the teacher is sure of.

    Returns:
        A number in [0, inf), lower is better; exactly 0, with zero gradient, if none is trusted.

    Sources:
        [0] Kim et al., A Unified Framework for Domain Adaptive Pose Estimation, 2022,
            https://arxiv.org/abs/2204.00172. We differ: a sum over the cells and not a
            mean, as in `heatmap_mse`, so the ratio of the two terms is that of the paper.

    Example:
        >>> maps = torch.zeros(1, 2, 2, 2)
        >>> masked_consistency(maps, maps + 1, torch.tensor([[True, False]]))
        tensor(2.)
    """
    error = torch.where(trusted[..., None, None], student - teacher, 0.0)
    return error.square().sum() / trusted.numel()
