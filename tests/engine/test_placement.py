"""Room for tasks: on pretended nodes, since no test machine has every kind."""

import pytest

from posebridge.engine.graph import Task
from posebridge.engine.placement import (
    Node,
    at_once,
    check_placeable,
    describe_nodes,
    describe_sum,
    have_room,
    this_machine,
)

LARGE, SMALL, GPU = Node(16, 0), Node(4, 0), Node(4, 2)


def _task(cpus: float = 1, gpus: float = 0, workers: int = 0) -> Task:
    return Task("train adapt", "stages/a/done", print, (), cpus=cpus, gpus=gpus, workers=workers)


def test_a_node_holds_as_many_as_its_scarcest_resource_allows() -> None:
    assert Node(5, 0).holds(_task(2)) == 2
    assert Node(2, 0).holds(_task(3)) == 0
    assert Node(8, 2).holds(_task(2, gpus=1)) == 2
    assert Node(5, 0).holds(_task(2, gpus=1)) == 0


@pytest.mark.parametrize(
    ("task", "fits"),
    [
        (_task(2), 8 + 2 + 2),
        (_task(5), 3),
        (_task(1, gpus=1), 2),
        (_task(3, gpus=1), 1),
        (_task(1, gpus=0.5), 4),
        (_task(2, workers=4), 3),
        (_task(17), 0),
        (_task(1, gpus=4), 0),
        (_task(2, workers=13), 0),
    ],
)
def test_as_many_fit_at_once_as_each_node_holds_whole(task: Task, fits: int) -> None:
    assert at_once(task, [LARGE, SMALL, GPU]) == fits


def _refusal(task: Task, *nodes: Node) -> str:
    with pytest.raises(ValueError, match="needs") as refused:
        check_placeable([_task(2), task], nodes)
    return str(refused.value)


def test_threads_beyond_the_largest_node_are_refused_with_the_number_that_fits() -> None:
    assert _refusal(_task(8), SMALL, Node(6, 0)) == (
        "task 'train adapt' needs 8 CPUs on one node, but there are 2 nodes (1 × 6 CPUs, "
        "1 × 4 CPUs), and the largest has 6 CPUs. Lower the stage's threads "
        "(--set stage.threads=6), or use a larger node."
    )


def test_a_gpu_where_there_is_none_is_refused() -> None:
    assert _refusal(_task(2, gpus=1), SMALL) == (
        "task 'train adapt' needs 2 CPUs and 1 GPU on one node, but there is 1 node (1 × 4 CPUs), "
        "and none has as many GPUs. Use nodes with more, or see with posebridge doctor why Ray "
        "does not find them."
    )


def test_a_gpu_on_a_node_with_too_few_cpus_beside_it_is_refused() -> None:
    assert _refusal(_task(8, gpus=1), LARGE, GPU) == (
        "task 'train adapt' needs 8 CPUs and 1 GPU on one node, but there are 2 nodes "
        "(1 × 16 CPUs, 1 × 4 CPUs and 2 GPUs), and none has both. Lower the stage's threads "
        "(--set stage.threads=1), or use nodes with more CPUs beside their GPUs."
    )


def test_workers_beyond_the_whole_cluster_are_refused_with_the_sum() -> None:
    assert _refusal(_task(3, workers=4), SMALL, SMALL, SMALL) == (
        "task 'train adapt' needs 4 workers × (3 CPUs) = 12 CPUs, but there are 3 nodes "
        "(3 × 4 CPUs), and only 3 of the 4 workers fit at once. Lower the stage's workers or "
        "threads (--set stage.workers=3), or use more nodes."
    )


def test_what_fits_is_not_refused() -> None:
    check_placeable([_task(16), _task(4, gpus=2), _task(4, workers=6)], [LARGE, SMALL, GPU])


def test_groups_find_room_side_by_side_or_not() -> None:
    two, three, five = (_task(2, workers=number) for number in (2, 3, 5))
    assert have_room([two, two], [SMALL, SMALL])
    assert not have_room([three, two], [SMALL, SMALL])
    assert not have_room([five], [SMALL, SMALL])
    # Each node has one CPU left, which together are not a place for two.
    assert not have_room([two, _task(2, workers=1)], [Node(3, 0), Node(3, 0)])


def test_nodes_and_sums_in_words() -> None:
    assert describe_nodes([SMALL, GPU, SMALL]) == "1 × 4 CPUs and 2 GPUs, 2 × 4 CPUs"
    assert describe_sum(_task(1)) == "1 CPU"
    assert describe_sum(_task(2, gpus=0.5)) == "2 CPUs and 0.5 GPUs"
    assert describe_sum(_task(2, gpus=1, workers=3)) == (
        "3 workers × (2 CPUs and 1 GPU) = 6 CPUs and 3 GPUs"
    )


def test_this_machine_is_one_node_of_at_least_two_cpus() -> None:
    (node,) = this_machine()
    assert node.cpus >= 2
