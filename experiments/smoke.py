"""Does every part of the main job still run, end to end?

Run:     posebridge run experiments/smoke.py
Cost:    7 trainings of 4 steps on 16 people a population, under two minutes on 2 cores
Expect:  a leaderboard with every kind of row; its numbers say nothing
"""

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed
from posebridge.systems import baselines, uniframe

ADULTS = Adult(train=16, validation=8, test=16)
INFANTS = InfantReal(train=16, validation=0, test=16)
SOURCE = (Feed(ADULTS, "train", 4),)
TARGET = Feed(INFANTS, "train", 2)
BUDGET = Budget(steps=4, warmup_steps=2, checkpoint_every=2)

EXPERIMENT = Experiment(
    name="smoke",
    question="Does every part of the main job run?",
    systems=(
        baselines.published(Lightning()),
        baselines.control(
            Lightning(), SOURCE, BUDGET, grid={"control.learning_rate": (1e-4, 2e-4)}
        ),
        uniframe.embedded(Lightning(), SOURCE, TARGET, BUDGET),
        baselines.oracle(Lightning(), SOURCE, TARGET, BUDGET),
    ),
    targets=(INFANTS, ADULTS),
    selection=SourceValidation(),
    seeds=(0, 1),
)
