import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.tiny import Tiny
from engine.together import together
from posebridge.batch import Maps
from posebridge.engine.group import ALONE, Group
from posebridge.engine.sharing import freeze_batch_norm, share, synchronise_batch_norm

IMAGES = torch.rand(5, 3, 32, 32, generator=torch.Generator().manual_seed(0))
VISIBLE = torch.arange(5 * 17).reshape(5, 17) % 3 > 0
SHAPES = [(2, 1), (1, 2), (2, 2), (3, 1)]


def _nets(net: nn.Module | None = None) -> nn.ModuleDict:
    return nn.ModuleDict({"student": copy.deepcopy(net) if net else Tiny().build()})


def _loss(net: nn.Module) -> Tensor:
    """A mean over what is visible, a mean over all, and one that is not of rows at all."""
    maps: Maps = net(IMAGES)
    assert maps.offsets is not None
    seen = torch.where(VISIBLE[..., None, None], maps.heatmaps.square(), 0.0).sum() / VISIBLE.sum()
    return seen + maps.offsets.abs().mean() + sum(p.square().sum() for p in net.parameters())


def _gradients(nets: nn.ModuleDict, group: Group) -> list[Tensor]:
    nets.train()
    _loss(nets["student"]).backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad for p in nets.parameters() if p.grad is not None]
    group.average(gradients)
    return gradients


def _in_group(size: int, member: Callable[[Group], Any]) -> Any:
    return together(size, member)[0] if size > 1 else member(ALONE)


@pytest.mark.parametrize(("size", "parts"), SHAPES)
def test_a_shared_network_has_the_gradient_of_one_that_is_not(size: int, parts: int) -> None:
    def member(group: Group) -> list[Tensor]:
        nets = _nets()
        share(nets, group, parts)
        return _gradients(nets, group)

    alone = _nets()
    freeze_batch_norm(alone)
    pairs = zip(_in_group(size, member), _gradients(alone, ALONE), strict=True)
    for mine, theirs in pairs:
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_one_alone_in_one_part_is_left_as_it_is() -> None:
    nets = _nets()
    share(nets, ALONE, 1)
    assert "forward" not in vars(nets["student"])


def test_shared_networks_keep_the_statistics_of_batch_norm() -> None:
    nets = _nets()
    before = copy.deepcopy(nets.state_dict())
    share(nets, ALONE, 2)
    nets.train()
    nets["student"](IMAGES)
    after = nets.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_on_gpus_batch_norm_is_synchronised_under_the_same_names() -> None:
    nets = _nets()
    names = list(nets.state_dict())
    synchronise_batch_norm(nets)
    assert any(isinstance(module, nn.SyncBatchNorm) for module in nets.modules())
    assert list(nets.state_dict()) == names


class Counting(nn.Module):
    """Notes how many rows it was given; its copy notes them too."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)
        self.seen: list[int] = []

    def forward(self, rows: Tensor) -> Tensor:
        self.seen.append(len(rows))
        found: Tensor = self.layer(rows)
        return found


def test_in_parts_all_but_the_last_are_computed_again_for_their_gradient() -> None:
    nets = _nets(Counting())
    share(nets, ALONE, 3)
    nets["student"](torch.rand(6, 2)).sum().backward()
    assert nets["student"].seen == [2, 2, 2, 2, 2]
    with torch.no_grad():
        nets["student"](torch.rand(6, 2))
    assert nets["student"].seen[5:] == [2, 2, 2]


def test_a_batch_too_small_to_share_is_looked_at_whole() -> None:
    nets = _nets(Counting())
    share(nets, ALONE, 3)
    nets["student"](torch.rand(2, 2))
    assert nets["student"].seen == [2]


def test_a_network_that_gives_no_row_for_each_is_refused() -> None:
    class Summing(nn.Linear):
        def forward(self, rows: Tensor) -> Tensor:
            return super().forward(rows).sum(dim=0, keepdim=True)

    nets = _nets(Summing(2, 2))
    share(nets, ALONE, 2)
    with pytest.raises(ValueError, match=r"a row for each of 2 rows, but gave \[1\]\. Compute in"):
        nets["student"](torch.rand(4, 2))


@dataclasses.dataclass(frozen=True)
class Found:
    """What a network may give."""

    values: dict[str, Tensor]
    pair: tuple[Tensor, None]
    scale: Tensor


class Structured(nn.Module):
    """Takes and gives tensors in all the ways there are."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, rows: list[Tensor], *, power: Tensor, name: str) -> Found:
        first, second = rows
        values = {name: self.weight * first**power, "second": second}
        return Found(values, (first > 0, None), power)


def test_structures_keep_their_shape() -> None:
    rows = [torch.rand(5, 2), torch.rand(5)]
    arguments = {"power": torch.tensor(2.0), "name": "first"}

    def member(group: Group) -> Found:
        nets = _nets(Structured())
        share(nets, group, 2)
        with torch.no_grad():
            found: Found = nets["student"](rows, **arguments)
        return found

    for found in together(2, member):
        expected = Structured()(rows, **arguments)
        assert torch.equal(found.values["first"], expected.values["first"])
        assert torch.equal(found.values["second"], rows[1])
        assert torch.equal(found.pair[0], expected.pair[0])
        assert found.pair[1] is None
        assert found.scale == 2.0


def test_draws_inside_a_network_differ_by_row_and_leave_those_of_the_method_alike() -> None:
    def member(group: Group) -> tuple[Tensor, float, Tensor]:
        nets = _nets(nn.Dropout())
        nets["other"] = nn.Linear(1, 1)
        share(nets, group, 1)
        torch.manual_seed(0)
        kept = nets["student"](torch.ones(5, 50))
        return kept, float(torch.rand(())), nets["student"](torch.ones(5, 50))

    torch.manual_seed(0)
    drawn = float(torch.rand(()))
    first, second = together(2, member)
    assert torch.equal(first[0], second[0])
    assert first[1] == second[1] == drawn
    rows = [tuple(row.tolist()) for row in first[0]]
    assert len(set(rows)) == 5
    assert not torch.equal(first[0], first[2])
