"""The processes that share a training step, and what they exchange."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

Rows = tuple[int, int]
"""The first row, and the one after the last."""


class GroupBrokenError(Exception):
    """Another process of the group has ended before its time."""


@dataclass(frozen=True)
class Group:
    """Several processes, as one of them sees them; alone by default.

    Whatever they exchange goes through torch's default process group. All of them call the same
    things in the same order.

    Attributes:
        rank: number of this one; 0 keeps checkpoints and says how far they are.
        size: number of all.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this one writes what all of them have."""
        return self.rank == 0

    def share(self, count: int) -> Rows:
        """The rows of this process among `count`; shares differ by one at the most."""
        return rows_of(count, self.rank, self.size)

    def gather(self, tensors: Sequence[Tensor], count: int) -> list[Tensor]:
        """All `count` rows of some tensors, of which each process gives its share.

        They travel in one message, as bytes.
        """
        if self.size == 1:
            return list(tensors)
        mine = torch.cat([_as_bytes(tensor) for tensor in tensors], dim=1)
        # Messages of a collective are equally long: shares are padded to the longest.
        longest = -(-count // self.size)
        mine = torch.cat((mine, mine.new_zeros((longest - len(mine), mine.shape[1]))))
        received = [torch.empty_like(mine) for _ in range(self.size)]
        with _together():
            dist.all_gather(received, mine)
        shares = [rows_of(count, rank, self.size) for rank in range(self.size)]
        everybody = torch.cat(
            [part[: last - first] for part, (first, last) in zip(received, shares, strict=True)]
        )
        pieces = torch.split(everybody, [_row_bytes(tensor) for tensor in tensors], 1)
        return [_from_bytes(piece, like) for piece, like in zip(pieces, tensors, strict=True)]

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its mean over the processes, all in one message."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _together():
            dist.all_reduce(flat)
        means = torch.split(flat.div_(self.size), [tensor.numel() for tensor in tensors])
        for tensor, mean in zip(tensors, means, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def collect(self, value: Any) -> list[Any]:  # noqa: ANN401 - whatever can be pickled
        """What each process has, on every one of them."""
        values = [value] * self.size
        if self.size > 1:
            with _together():
                dist.all_gather_object(values, value)
        return values

    def from_leader(self, value: Any) -> Any:  # noqa: ANN401 - whatever can be pickled
        """What the leader has, on every process."""
        values = [value]
        if self.size > 1:
            with _together():
                dist.broadcast_object_list(values, src=0)
        return values[0]


ALONE = Group()


def rows_of(count: int, number: int, parts: int) -> Rows:
    """The rows of one of several consecutive parts, as even as can be.

    Example:
        >>> [rows_of(5, number, 2) for number in range(2)]
        [(0, 2), (2, 5)]
    """
    return number * count // parts, (number + 1) * count // parts


@contextmanager
def _together() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # gloo has no better one
        raise GroupBrokenError(f"a worker of the group is gone ({error}).") from error


def _row_bytes(tensor: Tensor) -> int:
    return math.prod(tensor.shape[1:]) * tensor.element_size()


def _as_bytes(tensor: Tensor) -> Tensor:
    rows = tensor.detach().reshape(len(tensor), math.prod(tensor.shape[1:]))
    return rows.contiguous().view(torch.uint8)


def _from_bytes(rows: Tensor, like: Tensor) -> Tensor:
    return rows.contiguous().view(like.dtype).reshape(len(rows), *like.shape[1:])
