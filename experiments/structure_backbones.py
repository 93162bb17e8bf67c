"""Does structure-guided refinement help a better estimator less?

Run:     posebridge run experiments/structure_backbones.py
Cost:    12 trainings of 150 to 500 steps on crowds, an hour on 2 cores, most of it Thunder's
Expect:  both gain, Thunder less than Lightning, as in the paper

Read each row against its own baseline. The paper's gains on COCO (table 2): SimpleBaseline R50
72.4 → 73.7, R101 73.5 → 74.3, R152 74.2 → 74.6, HRNet-W32 75.6 → 76.3, W48 77.1 → 77.6. These
estimators are built and refined in the tests; only MoveNet is small enough to train here.
"""

from posebridge.estimators.movenet import Lightning, Thunder
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
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
