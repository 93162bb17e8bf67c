"""Does it matter how far apart the poses of a path are?

Run:     posebridge run experiments/structure_schedule.py
Cost:    24 trainings of 400 to 600 steps on rendered crowds, 40 minutes on 2 cores
Expect:  no difference that three seeds can tell from zero; the paper has 0.3 between cosine and
         linear at S = 3, where both give the same three poses

Names tell the paper's AP on COCO val: 73.7 for cosine, 73.4 for linear. Its section 4.3.2 has
large steps first ("ease out" against "linear, decreasing"), so all four are compared at S = 5,
and at S = 3 those that differ there.
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import PosePath
from posebridge.networks.pose_paths import Schedule
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed, System
from posebridge.systems import structure_guided

CROWDS = Crowd()
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(600, warmup_steps=25, threads=1),
)


def row(name: str, poses: int, schedule: Schedule) -> System:
    """A row of the table."""
    guide = PosePath(poses, schedule)
    return ROWS.row(f"S = {poses}, {name}", replace(ROWS.method, guide=guide))


EXPERIMENT = Experiment(
    name="structure_schedule",
    question="Does it matter how far apart the poses of a path are?",
    systems=(
        ROWS.baseline(),
        row("cosine = linear (paper 73.7, 73.4)", 3, "cosine"),
        row("ease out", 3, "ease_out"),
        row("linear, decreasing", 3, "linear_decreasing"),
        row("cosine", 5, "cosine"),
        row("linear", 5, "linear"),
        row("ease out", 5, "ease_out"),
        row("linear, decreasing", 5, "linear_decreasing"),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)
