import pytest
import torch

from engine.together import together
from posebridge.engine.group import ALONE, Group, GroupBrokenError, rows_of


@pytest.mark.parametrize(("count", "parts"), [(5, 2), (6, 3), (7, 3), (3, 3), (1, 2)])
def test_parts_follow_one_another_and_differ_by_one_at_the_most(count: int, parts: int) -> None:
    rows = [rows_of(count, number, parts) for number in range(parts)]
    assert [row for first, last in rows for row in range(first, last)] == list(range(count))
    sizes = [last - first for first, last in rows]
    assert max(sizes) - min(sizes) <= 1


def test_one_alone_has_everything_and_talks_to_nobody() -> None:
    rows = [torch.rand(3, 2)]
    assert ALONE.leads
    assert ALONE.share(3) == (0, 3)
    assert ALONE.gather(rows, 3)[0] is rows[0]
    assert ALONE.collect("mine") == ["mine"]
    assert ALONE.from_leader("mine") == "mine"
    ALONE.average(rows)


def test_a_group_gathers_rows_of_any_kind_in_order() -> None:
    """Five rows of two processes: shares of two and of three."""
    numbers = torch.arange(20.0).reshape(5, 2, 2)
    marks, tall = torch.tensor([True, False, True, True, False]), numbers.half()

    def member(group: Group) -> list[torch.Tensor]:
        first, last = group.share(5)
        own = [tensor[first:last] for tensor in (numbers, marks, tall)]
        return group.gather(own, 5)

    for gathered in together(2, member):
        assert torch.equal(gathered[0], numbers)
        assert torch.equal(gathered[1], marks)
        assert torch.equal(gathered[2], tall)


def test_a_group_averages_and_tells() -> None:
    def member(group: Group) -> tuple[list[float], list[int], str]:
        tensors = [torch.full((2,), float(group.rank)), torch.tensor([10.0 * group.rank])]
        group.average(tensors)
        means = [float(tensor.sum()) for tensor in tensors]
        return means, group.collect(group.rank), group.from_leader(f"of {group.rank}")

    assert together(2, member) == [([1.0, 5.0], [0, 1], "of 0")] * 2


def test_a_process_that_is_gone_is_told_from_any_other_error() -> None:
    def member(group: Group) -> None:
        if group.leads:
            group.average([torch.zeros(1)])

    with pytest.raises(GroupBrokenError, match="a worker of the group is gone"):
        together(2, member)
