"""Does it matter how far apart the poses of a path are?

Run:     posebridge run experiments/structure_schedule.py
Cost:    24 trainings of 400 to 600 steps on rendered crowds, 40 minutes on 2 cores
Expect:  no difference that three seeds can tell from zero; the paper has 0.3 between cosine and
         linear at S = 3, where both give the same three poses

Names tell the paper's AP on COCO val: 73.7 for cosine, 73.4 for linear. Its section 4.3.2 has
large steps first ("ease out" against "linear, decreasing"), so all four are compared at S = 5,
and at S = 3 those that differ there. PAPER: as in structure_ablation.py.
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import PosePath
from posebridge.networks.pose_paths import Schedule
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.populations.imported import Imported
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed, System
from posebridge.systems import structure_guided
from posebridge.systems.structure_guided import Refinement

CROWDS = Crowd()
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(600, warmup_steps=25, threads=1),
)


def rows(shared: Refinement) -> tuple[System, ...]:
    """The table, whoever is refined."""

    def row(name: str, poses: int, schedule: Schedule) -> System:
        guide = PosePath(poses, schedule)
        return shared.row(f"S = {poses}, {name}", replace(shared.method, guide=guide))

    return (
        shared.baseline(),
        row("cosine = linear (paper 73.7, 73.4)", 3, "cosine"),
        row("ease out", 3, "ease_out"),
        row("linear, decreasing", 3, "linear_decreasing"),
        row("cosine", 5, "cosine"),
        row("linear", 5, "linear"),
        row("ease out", 5, "ease_out"),
        row("linear, decreasing", 5, "linear_decreasing"),
    )


EXPERIMENT = Experiment(
    name="structure_schedule",
    question="Does it matter how far apart the poses of a path are?",
    systems=rows(ROWS),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)

COCO = Imported("coco", "000000000000", train=149813, test=6352)
CROWDPOSE = Imported("crowdpose", "000000000000", train=35000, test=29000)
PAPER = replace(EXPERIMENT, systems=rows(structure_guided.paper(COCO)), targets=(CROWDPOSE, COCO))
