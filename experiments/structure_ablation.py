"""What does each part of structure-guided refinement add to a frozen estimator?

Run:     posebridge run experiments/structure_ablation.py
Cost:    21 trainings of 500 to 1500 steps and 1400 rendered pictures, 2 hours on 2 cores
Expect:  the order of the paper, baseline < A1 < A2 < A3 < A4 < ours, with steps of a tenth of a
         point to a point, which three seeds cannot tell apart; ours above the baseline with a
         paired interval above zero on crowds and on infants; most of that is there in A1 already

Names tell the paper's AP on COCO val (SimpleBaseline with ResNet-50); ours is PCK. "Trained on" is
the baseline without a UNet, trained for as many steps more as the UNets are. Infants are told to
nobody; crowds and adults (†) are held-out people of what everybody learns from, as in the paper.

PAPER asks it of COCO, tested with mirror images, and of CrowdPose's twelve shared keypoints, which
are told to nobody: import both, and paste the lines that `posebridge data import` prints.
"""

from dataclasses import replace

from posebridge.estimators.flipping import FlipTest
from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.methods.supervised import WIDE_VIEW
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.populations.imported import Imported
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.selection import Fixed
from posebridge.stages import Budget, Feed, System
from posebridge.systems import baselines, structure_guided

ADULTS = Adult(train=400, validation=0, test=200)
CROWDS = Crowd()
INFANTS = InfantReal(train=0, validation=0, test=300)
SOURCE = (
    Feed(CROWDS, "train", 6),
    Feed(ADULTS, "train", 3),
    Feed(InfantSynthetic(train=200, validation=0), "train", 3),
)
ROWS = structure_guided.embedded(
    Lightning(),
    SOURCE,
    Budget(500, warmup_steps=25, threads=1),
    Budget(1500, warmup_steps=25, threads=1),
    # Infants lie any way up: without turns, nobody learns to see them.
    replace(structure_guided.EMBEDDED, source_view=WIDE_VIEW),
)
BASELINE, *GUIDED = ROWS.ablation()
TRAINED_ON = replace(BASELINE.stage, name="train_on", budget=ROWS.budget, start=BASELINE.stage)

EXPERIMENT = Experiment(
    name="structure_ablation",
    question="What does each part of structure-guided refinement add?",
    systems=(
        baselines.published(Lightning()),
        BASELINE,
        System("trained on", "control", TRAINED_ON),
        *GUIDED,
    ),
    targets=(INFANTS, CROWDS, ADULTS),
    selection=Fixed(),
    seeds=(0, 1, 2),
)

COCO = Imported("coco", "000000000000", train=149813, test=6352)
CROWDPOSE = Imported("crowdpose", "000000000000", train=35000, test=29000)
PAPER = replace(
    EXPERIMENT,
    systems=tuple(
        replace(row, flip_test=FlipTest()) for row in structure_guided.paper(COCO).ablation()
    ),
    targets=(CROWDPOSE, COCO),
)
