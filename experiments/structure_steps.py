"""How many poses should a path have, with exact weights and with the printed ones?

Run:     posebridge run experiments/structure_steps.py
Cost:    42 trainings of 350 to 400 steps on rendered crowds, an hour on 2 cores
Expect:  as the paper, a peak at S = 3 and S = 5 and 0.4 less at S = 8, but not one difference that
         three seeds can tell from zero; inference time grows with S + 2

Names tell the paper's AP on COCO val where it is printed: 73.7 at S = 3 and 5, 73.3 at S = 8.
Below S = 3 the printed weights do not exist. Adults are told to nobody; crowds (†) are held-out
people of what everybody learns from. PAPER: as in structure_ablation.py.
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import PosePath
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
    Budget(350, warmup_steps=25, threads=1),
)
PRINTED = {3: " (paper 73.7)", 5: " (paper 73.7)", 8: " (paper 73.3)"}


def rows(shared: Refinement) -> tuple[System, ...]:
    """The table, whoever is refined."""
    method = shared.method
    exact = [
        shared.row(f"S = {poses}{PRINTED.get(poses, '')}", replace(method, guide=PosePath(poses)))
        for poses in range(2, 9)
    ]
    printed = [
        shared.row(
            f"S = {poses}, printed weights",
            replace(method, guide=PosePath(poses, fusion="printed")),
        )
        for poses in range(3, 9)
    ]
    return (shared.baseline(), *exact, *printed)


EXPERIMENT = Experiment(
    name="structure_steps",
    question="How many poses should a path have?",
    systems=rows(ROWS),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)

COCO = Imported("coco", "000000000000", train=149813, test=6352)
CROWDPOSE = Imported("crowdpose", "000000000000", train=35000, test=29000)
PAPER = replace(EXPERIMENT, systems=rows(structure_guided.paper(COCO)), targets=(CROWDPOSE, COCO))
