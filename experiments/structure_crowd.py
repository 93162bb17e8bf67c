"""Does structure-guided refinement help most where people hide each other?

Run:     posebridge run experiments/structure_crowd.py
Cost:    9 trainings of 400 to 1500 steps on rendered crowds, 40 minutes on 2 cores
Expect:  ours above the baseline, and by more from easy to hard; above features alone by less

The paper has 77.6 AP on CrowdPose (HRNet-W48, true boxes), in one number, against 76.3 of its
best rival; it does not say what easy, medium and hard crowds get. Crowds (†) are held-out people
of what everybody learns from; adults by themselves are told to nobody. PAPER learns from
CrowdPose, on the keypoints it shares with COCO: paste the lines that `posebridge data import`
prints.
"""

from dataclasses import replace

from posebridge.estimators.hrnet import HRNet
from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.networks.guides import NoGuide
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.populations.imported import Imported
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed
from posebridge.systems import baselines, structure_guided

CROWDS = Crowd(test=0)
LEVELS = [
    replace(CROWDS, train=0, validation=0, test=50, level=level)
    for level in ("easy", "medium", "hard")
]
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(1500, warmup_steps=25, threads=1),
)

EXPERIMENT = Experiment(
    name="structure_crowd",
    question="Does refinement help most where people hide each other?",
    systems=(
        baselines.published(Lightning()),
        ROWS.baseline(),
        ROWS.row("features only", replace(ROWS.method, guide=NoGuide())),
        ROWS.row("ours (paper 77.6, CrowdPose)"),
    ),
    targets=(Adult(train=0, validation=0, test=100), *LEVELS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)

COCO = Imported("coco", "000000000000", train=149813, test=6352)
CROWDPOSE = Imported("crowdpose", "000000000000", train=35000, test=29000)
LARGE = structure_guided.paper(CROWDPOSE, HRNet(width=48, pretrained=True))
PAPER = replace(
    EXPERIMENT,
    systems=(
        LARGE.baseline(),
        LARGE.row("features only", replace(LARGE.method, guide=NoGuide())),
        LARGE.row("ours (paper 77.6)"),
    ),
    targets=(COCO, CROWDPOSE),
)
