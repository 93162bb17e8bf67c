"""Does anything that the paper leaves open make structure-guided refinement better?

Run:     posebridge run experiments/structure_beyond.py
Cost:    18 trainings of 400 to 800 steps on rendered crowds, 50 minutes on 2 cores
Expect:  jitter narrows the gap between training and held-out people, and gains up to a point;
         agreement of two steps gains nothing; an estimator that learns too gains most, as it would
         without a UNet

Jitter moves the ends of the paths in training by a cell or two, as the estimator is better on
those it was trained on. The paper has none of these rows; its own setting has 73.7 AP on COCO val.
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import PosePath
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed
from posebridge.systems import structure_guided

CROWDS = Crowd()
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(800, warmup_steps=25, threads=1),
)
OURS = ROWS.method

EXPERIMENT = Experiment(
    name="structure_beyond",
    question="Does anything that the paper leaves open make it better?",
    systems=(
        ROWS.baseline(),
        ROWS.row("ours (paper 73.7)", OURS),
        ROWS.row("jitter of 1.5 cells", replace(OURS, jitter_cells=1.5)),
        ROWS.row("two steps agree", replace(OURS, step_consistency=0.3)),
        ROWS.row("starts at the mean pose", replace(OURS, guide=PosePath(start=None))),
        ROWS.row("the estimator learns too", replace(OURS, joint_weight=1.0)),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)
