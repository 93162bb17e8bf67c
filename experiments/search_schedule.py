"""Do the knobs of the mean teacher want to change while it trains?

Run:     posebridge sweep experiments/search_schedule.py      (--scale smoke: 3 members)
Cost:    6 members of 80 steps in 4 generations, about 20 minutes on 2 cores
Expect:  the best schedule ends with a lower learning rate and a higher momentum than it began
         with, and is within a point of the declared constants: four looks in 80 steps say little
         about what pays in the end
"""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.search import PopulationBased, Search
from posebridge.search_space import log_uniform, uniform
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed
from posebridge.systems import baselines, uniframe

ADULTS = Adult(train=200, validation=0, test=100)
SYNTHETIC = InfantSynthetic(train=100, validation=0)
INFANTS = InfantReal(train=200, validation=60, test=150)
TURNED = (
    Adult(train=0, validation=60, test=0, roll_deg=180.0),
    InfantSynthetic(train=0, validation=60, rotation_deg=180.0),
)
CONSTANT = uniframe.embedded(
    Lightning(),
    (Feed(ADULTS, "train", 6), Feed(SYNTHETIC, "train", 2)),
    Feed(INFANTS, "train", 8),
    Budget(80, warmup_steps=25, threads=1),
)

EXPERIMENT = Experiment(
    name="search_schedule",
    question="Do the knobs of the mean teacher want to change while it trains?",
    systems=(
        baselines.published(Lightning()),
        replace(CONSTANT, name="constants", note="as declared"),
        replace(CONSTANT, name="schedule", note="the best of a population of 6"),
    ),
    targets=(INFANTS, replace(ADULTS, train=0)),
    selection=SourceValidation(populations=TURNED),
    seeds=(0, 1, 2),
    search=Search(
        systems=("schedule",),
        trials=6,
        space={
            "mean_teacher.learning_rate": log_uniform(2e-5, 1e-3),
            "mean_teacher.momentum": uniform(0.9, 0.999),
            "mean_teacher.consistency_weight": log_uniform(0.1, 10.0),
        },
        sampler=PopulationBased(generations=4),
        tied=2,
    ),
)
