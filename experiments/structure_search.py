"""Which knobs of structure-guided refinement matter?

Run:     posebridge sweep experiments/structure_search.py      (--scale smoke: 3 proposals)
Cost:    14 proposals of 300 steps after a baseline that they share, 40 minutes on 2 cores
Expect:  the width of the UNet and the learning rate matter; sigma, the number of poses and the
         schedule do not, beyond what 40 validation pictures can tell

The paper tunes S (73.3 to 73.7 AP on COCO val) and the schedule (73.4, 73.7), one at a time.
"""

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.crowd import Crowd
from posebridge.search import Halving, Search, Tpe
from posebridge.search_space import choice, integers, log_uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed
from posebridge.systems import structure_guided

CROWDS = Crowd()
ROWS = structure_guided.embedded(
    Lightning(),
    (Feed(CROWDS, "train", 12),),
    Budget(400, warmup_steps=25, threads=1),
    Budget(300, warmup_steps=25, threads=1),
)

EXPERIMENT = Experiment(
    name="structure_search",
    question="Which knobs of structure-guided refinement matter?",
    systems=(
        ROWS.baseline(),
        ROWS.row("as declared"),
        ROWS.row("searched"),
    ),
    targets=(Adult(train=0, validation=0, test=100), CROWDS),
    selection=SourceValidation(),
    seeds=(0, 1, 2),
    search=Search(
        systems=("searched",),
        trials=14,
        space={
            "refine.learning_rate": log_uniform(2e-4, 5e-3),
            "refine.guide.poses": integers(2, 8),
            "refine.guide.schedule": choice(("cosine", "ease_out", "linear", "linear_decreasing")),
            "refine.guide.sigma": log_uniform(0.5, 2.0),
            "refine.unet.width": choice((8, 16, 32)),
        },
        sampler=Tpe(startup=6),
        ahead=3,
        halving=Halving(rungs=(1 / 3,), factor=3),
        tied=2,
    ),
)
