"""Do the knobs of the mean teacher want to change while it trains?

Run:     posebridge sweep experiments/search_schedule.py      (--scale smoke: 3 members)
Cost:    6 members of 60 steps in 4 generations, after one warm-up that they share; about 15
         minutes on 2 cores
Expect:  the best schedule ends with a lower learning rate and a higher momentum than it began
         with, and scores within a point of the best constants that search_mean_teacher finds:
         four looks in 60 steps say little about what pays in the end
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.methods.mean_teacher import MeanTeacher
from posebridge.methods.supervised import WIDE_VIEW, Supervised
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.search import PopulationBased, Search
from posebridge.search_space import log_uniform, uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed, Stage, System
from posebridge.systems import baselines
from posebridge.systems.uniframe import SURE_PEAK

ADULTS = Adult(train=200, validation=0, test=100)
SYNTHETIC = InfantSynthetic(train=100, validation=0)
INFANTS = InfantReal(train=200, validation=60, test=150)
TURNED = (
    Adult(train=0, validation=60, test=0, roll_deg=180.0),
    InfantSynthetic(train=0, validation=60, rotation_deg=180.0),
)
SOURCE = (Feed(ADULTS, "train", 6), Feed(SYNTHETIC, "train", 2))
WARM_UP = Stage(
    "warm_up",
    Supervised(learning_rate=2e-4),
    Lightning(),
    SOURCE,
    None,
    Budget(100, warmup_steps=25, threads=1),
)
ADAPT = Stage(
    "adapt",
    MeanTeacher(
        learning_rate=2e-4,
        momentum=0.99,
        teacher_views=2,
        occlusion_threshold=SURE_PEAK,
        source_view=WIDE_VIEW,
        strong_view=WIDE_VIEW,
    ),
    Lightning(),
    SOURCE,
    Feed(INFANTS, "train", 8),
    Budget(60, warmup_steps=10, threads=1),
    start=WARM_UP,
)

EXPERIMENT = Experiment(
    name="search_schedule",
    question="Do the knobs of the mean teacher want to change while it trains?",
    systems=(
        baselines.published(Lightning()),
        System("warm-up", "control", WARM_UP, note="where the mean teacher starts"),
        System("mean teacher", "adapted", ADAPT, note="searched"),
    ),
    targets=(INFANTS, replace(ADULTS, train=0)),
    selection=SourceValidation(populations=TURNED),
    seeds=(0, 1, 2),
    search=Search(
        systems=("mean teacher",),
        trials=6,
        space={
            "adapt.learning_rate": log_uniform(2e-5, 1e-3),
            "adapt.momentum": uniform(0.9, 0.999),
            "adapt.consistency_weight": log_uniform(0.1, 10.0),
        },
        sampler=PopulationBased(generations=4),
        tied=2,
    ),
)
