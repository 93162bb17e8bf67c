import pytest

from engine.watching import noting
from posebridge.engine.artifacts import Store
from posebridge.engine.graph import Task
from posebridge.engine.placement import Node, check_placeable, have_room

SMALL, LARGE, GPUS = Node(2, 0), Node(5, 0), Node(8, 2)


def _group(workers: int, cpus: float = 2, gpus: float = 0) -> Task:
    task = noting(Store("nowhere"), "group")
    return Task(task.name, task.marker, task.function, (), cpus=cpus, gpus=gpus, workers=workers)


def test_a_node_holds_as_many_as_its_scarcest_resource_allows() -> None:
    assert LARGE.holds(_group(1)) == 2
    assert SMALL.holds(_group(1, cpus=3)) == 0
    assert GPUS.holds(_group(1, gpus=1)) == 2
    assert LARGE.holds(_group(1, gpus=1)) == 0


def test_the_workers_of_a_group_may_be_on_several_nodes() -> None:
    check_placeable([_group(3)], [SMALL, LARGE])
    with pytest.raises(
        ValueError, match=r"'group' needs 4 workers × .* only 3 of the 4 workers fit at once"
    ):
        check_placeable([_group(4)], [SMALL, LARGE])


def test_groups_find_room_side_by_side_or_not() -> None:
    assert have_room([_group(1), _group(2)], [SMALL, LARGE])
    assert not have_room([_group(2), _group(2)], [SMALL, LARGE])
    # Each node has one CPU left, which together are not a place for two.
    assert not have_room([_group(2), _group(1)], [Node(3, 0), Node(3, 0)])
