"""Does structure-guided refinement help a better estimator less?

Run:     posebridge run experiments/structure_backbones.py
Cost:    12 trainings of 150 to 500 steps on crowds, 40 minutes on 2 cores, most of it Thunder's
Expect:  both gain, Thunder less than Lightning, as in the paper

Read each row against its own baseline. The paper's gains on COCO (table 2): SimpleBaseline R50
72.4 → 73.7, R101 73.5 → 74.3, R152 74.2 → 74.6, HRNet-W32 75.6 → 76.3, W48 77.1 → 77.6. These
estimators are built and refined in the tests; only MoveNet is small enough to train here. PAPER is
that table: paste the lines that `posebridge data import` prints.
"""

from dataclasses import replace

from posebridge.estimators.base import Architecture
from posebridge.estimators.hrnet import HRNet
from posebridge.estimators.movenet import Lightning, Thunder
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.populations.imported import Imported
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed
from posebridge.systems import structure_guided

CROWDS = Crowd()
SOURCE = (Feed(CROWDS, "train", 12),)
REFINE = Budget(500, warmup_steps=25, threads=1)
LIGHTNING = structure_guided.embedded(
    Lightning(), SOURCE, Budget(400, warmup_steps=25, threads=1), REFINE
)
THUNDER = structure_guided.embedded(
    Thunder(), SOURCE, Budget(150, warmup_steps=25, threads=1), REFINE
)

EXPERIMENT = Experiment(
    name="structure_backbones",
    question="Does refinement help a better estimator less?",
    systems=(
        LIGHTNING.baseline("Lightning"),
        LIGHTNING.row("Lightning, refined (paper +0.4 to +1.3)"),
        THUNDER.baseline("Thunder"),
        THUNDER.row("Thunder, refined (paper +0.4 to +1.3)"),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)

COCO = Imported("coco", "000000000000", train=149813, test=6352)
CROWDPOSE = Imported("crowdpose", "000000000000", train=35000, test=29000)
TABLE_2: tuple[tuple[str, Architecture, float, float], ...] = (
    ("R50", SimpleBaseline(50, pretrained=True), 72.4, 73.7),
    ("R101", SimpleBaseline(101, pretrained=True), 73.5, 74.3),
    ("R152", SimpleBaseline(152, pretrained=True), 74.2, 74.6),
    ("W32", HRNet(32, pretrained=True), 75.6, 76.3),
    ("W48", HRNet(48, pretrained=True), 77.1, 77.6),
)
PAPER = replace(
    EXPERIMENT,
    systems=tuple(
        row
        for name, architecture, before, after in TABLE_2
        for shared in [structure_guided.paper(COCO, architecture)]
        for row in (
            shared.baseline(f"{name} (paper {before})"),
            shared.row(f"{name}, refined (paper {after})"),
        )
    ),
    targets=(CROWDPOSE, COCO),
)
