"""How many poses should a path have, with exact weights and with the printed ones?

Run:     posebridge run experiments/structure_steps.py
Cost:    42 trainings of 400 to 500 steps on rendered crowds, about an hour on 2 cores
Expect:  as the paper, a peak at S = 3 and S = 5 and 0.4 less at S = 8, but not one difference that
         three seeds can tell from zero; inference time grows with S + 2

Names tell the paper's AP on COCO val where it is printed: 73.7 at S = 3 and 5, 73.3 at S = 8.
Below S = 3 the printed weights do not exist. Adults are told to nobody; crowds (†) are held-out
people of what everybody learns from.
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
    Budget(500, warmup_steps=25, threads=1),
)
PRINTED = {3: " (paper 73.7)", 5: " (paper 73.7)", 8: " (paper 73.3)"}
EXACT = [
    ROWS.row(f"S = {poses}{PRINTED.get(poses, '')}", replace(ROWS.method, guide=PosePath(poses)))
    for poses in range(2, 9)
]
AS_PRINTED = [
    ROWS.row(
        f"S = {poses}, printed weights",
        replace(ROWS.method, guide=PosePath(poses, fusion="printed")),
    )
    for poses in range(3, 9)
]

EXPERIMENT = Experiment(
    name="structure_steps",
    question="How many poses should a path have?",
    systems=(ROWS.baseline(), *EXACT, *AS_PRINTED),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)
