"""Does it matter whether the weights of the poses are the printed ones or those of the examples?

Run:     posebridge run experiments/structure_weights.py
Cost:    18 trainings of 400 to 800 steps on rendered crowds, 40 minutes on 2 cores
Expect:  no difference that three seeds can tell from zero: the UNet can learn from either what a
         guide means; if one is better, the exact one at S = 5, where the printed weights light up
         to four poses at once

The paper prints a formula and two examples that contradict each other, and one number for both:
73.7 AP on COCO val at S = 3 and at S = 5. Single poses are its A3 (73.2).
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import Fusion, PosePath
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
    Budget(800, warmup_steps=25, threads=1),
)


def row(poses: int, fusion: Fusion, paper: str) -> System:
    """A row of the table."""
    guide = PosePath(poses, fusion=fusion)
    name = {"exact": "exact", "printed": "as printed", "none": "single poses"}[fusion]
    return ROWS.row(f"S = {poses}, {name} (paper {paper})", replace(ROWS.method, guide=guide))


EXPERIMENT = Experiment(
    name="structure_weights",
    question="Does it matter which weights the poses have?",
    systems=(
        ROWS.baseline(),
        row(3, "exact", "73.7"),
        row(3, "printed", "73.7"),
        row(3, "none", "73.2"),
        row(5, "exact", "73.7"),
        row(5, "printed", "73.7"),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)
