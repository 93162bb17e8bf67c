"""How much of the way from adults to infants does a mean teacher go in a few minutes?

Run:     make quickstart
Cost:    3 trainings of 140 steps and 300 rendered people, under 8 minutes on 2 cores
Expect:  published weights < control < mean teacher on infants; the oracle near the mean teacher,
         since 140 steps are short for it; one seed, so intervals are over people
"""

from posebridge.estimators.movenet import Lightning
from posebridge.experiment import Experiment
from posebridge.populations.adult import Adult
from posebridge.populations.infant_real import InfantReal
from posebridge.populations.infant_synthetic import InfantSynthetic
from posebridge.selection import SourceValidation
from posebridge.stages import Budget, Feed
from posebridge.systems import baselines, uniframe

ADULTS = Adult(train=64, validation=0, test=0)
SYNTHETIC = InfantSynthetic(train=32, validation=0, test=0)
INFANTS = InfantReal(train=128, validation=0, test=80)
SOURCE = (Feed(ADULTS, "train", 8), Feed(SYNTHETIC, "train", 4))
TARGET = Feed(INFANTS, "train", 12)
BUDGET = Budget(steps=140, warmup_steps=25)

EXPERIMENT = Experiment(
    name="quickstart",
    question="How far does a mean teacher go from adults to infants in a few minutes?",
    systems=(
        baselines.published(Lightning()),
        baselines.control(Lightning(), SOURCE, BUDGET),
        uniframe.embedded(Lightning(), SOURCE, TARGET, BUDGET),
        baselines.oracle(Lightning(), SOURCE, TARGET, BUDGET),
    ),
    targets=(INFANTS,),
    selection=SourceValidation(),
)
