"""The exponential moving average of one network's weights in another."""

import torch
from torch import nn


@torch.no_grad()
def update_ema(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """Move the teacher towards the student: teacher = momentum·teacher + (1−momentum)·student.

    Parameters and floating-point buffers (the running statistics of batch norm) are averaged;
    other buffers (its step counter) are copied. The student is not changed. The teacher is:
    this function exists for that.

    Args:
        teacher: the network that follows.
        student: the network that is trained; same architecture.
        momentum: share of the teacher that is kept, in [0, 1].

    Raises:
        ValueError: if the momentum is outside [0, 1] or the two networks differ in their names.

    Sources:
        [0] Tarvainen and Valpola, Mean teachers are better role models, 2017,
            https://arxiv.org/abs/1703.01780 section 2. We differ: buffers are averaged as well.
    """
    if not 0.0 <= momentum <= 1.0:
        raise ValueError(f"The momentum of an EMA must lie in [0, 1], but got {momentum=}.")
    followed = student.state_dict()
    followers = teacher.state_dict()
    if followers.keys() != followed.keys():
        names = sorted(followers.keys() ^ followed.keys())
        raise ValueError(
            "An EMA needs two networks of one architecture, but only one of them has "
            f"{', '.join(names)}. Make the teacher a deep copy of the student."
        )
    for name, value in followers.items():
        if value.is_floating_point():
            value.lerp_(followed[name], 1.0 - momentum)
        else:
            value.copy_(followed[name])
