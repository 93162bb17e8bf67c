"""UniFrame: a mean teacher with occlusions, one stage from the source model (Kim et al., 2022).

At paper scale it has the released settings: ResNet-101, batches of 32 + 32, Adam at 1e-4 cut
tenfold at epochs 45 and 60, 40 epochs of 500 steps on the source and 30 with the target, momentum
0.999, one teacher view. At embedded scale it starts from MoveNet Lightning, and its teacher votes
over four turns: see `methods/mean_teacher.py`.
"""

from typing import Any

from posebridge.estimators.base import Architecture
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.methods.mean_teacher import PAPER_VIEW, MeanTeacher
from posebridge.methods.supervised import WIDE_VIEW, Supervised
from posebridge.populations.base import Population
from posebridge.stages import Budget, Feed, Stage, StepDecay, System

EPOCH = 500
"""Steps in an epoch of the released code, whatever the size of the data."""
SURE_PEAK = 0.5
"""Lightning's peaks are lower than the paper's network's: on adults 95 of 100 are below 0.9."""


def paper(source: Population, target: Population) -> System:
    """The released settings; two populations with a train split each."""
    architecture = SimpleBaseline(depth=101, input_height=256, input_width=256, pretrained=True)
    labelled = (Feed(source, "train", 32),)
    warm_up = Stage(
        "warm_up",
        Supervised(learning_rate=1e-4, source_view=PAPER_VIEW),
        architecture,
        labelled,
        None,
        Budget(40 * EPOCH, decay=StepDecay(())),
    )
    adapt = Stage(
        "adapt",
        MeanTeacher(),
        architecture,
        labelled,
        Feed(target, "train", 32),
        Budget(30 * EPOCH, decay=StepDecay((5 / 30, 20 / 30))),
        start=warm_up,
    )
    return System("UniFrame", "adapted", adapt)


def embedded(
    architecture: Architecture,
    source: tuple[Feed, ...],
    target: Feed,
    budget: Budget,
    *,
    grid: dict[str, tuple[Any, ...]] | None = None,
) -> System:
    """A vote over four turns and a quick teacher, at the control's learning rate."""
    method = MeanTeacher(
        learning_rate=2e-4,
        momentum=0.99,
        teacher_views=4,
        occlusion_threshold=SURE_PEAK,
        source_view=WIDE_VIEW,
        strong_view=WIDE_VIEW,
    )
    stage = Stage("mean_teacher", method, architecture, source, target, budget)
    return System("mean teacher", "adapted", stage, grid or {}, "four views vote, momentum 0.99")


def embedded_as_published(
    architecture: Architecture,
    source: tuple[Feed, ...],
    target: Feed,
    budget: Budget,
    *,
    grid: dict[str, tuple[Any, ...]] | None = None,
) -> System:
    """One teacher view and the slow teacher of the paper, for a few hundred steps."""
    method = MeanTeacher(
        occlusion_threshold=SURE_PEAK, source_view=WIDE_VIEW, strong_view=WIDE_VIEW
    )
    stage = Stage("mean_teacher_1_view", method, architecture, source, target, budget)
    return System("mean teacher, 1 view", "adapted", stage, grid or {}, "momentum 0.999")
