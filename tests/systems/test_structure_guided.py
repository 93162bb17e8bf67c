"""Tests of the systems of structure-guided refinement."""

from dataclasses import replace

from posebridge.estimators.movenet import Lightning
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.methods.structure_guided import StructureGuided
from posebridge.networks.guides import NoGuide, PosePath, PredictedHeatmaps
from posebridge.populations.adult import Adult
from posebridge.populations.imported import Imported
from posebridge.stages import Budget, Feed
from posebridge.systems import structure_guided

COCO = Imported("coco", "0123456789ab", train=149813, test=6352)
SMALL = structure_guided.embedded(
    Lightning(), (Feed(Adult(), "train", 4),), Budget(10), Budget(20)
)


def test_at_paper_scale_it_has_the_published_settings() -> None:
    """130 epochs of 149813 people in batches of 48: 3122 steps an epoch."""
    paper = structure_guided.paper(COCO)
    stage = paper.row("ours").stage
    assert stage.budget.steps == 130 * 3122
    assert [feed.per_step for feed in stage.source] == [48]
    assert stage.architecture == SimpleBaseline(depth=50, pretrained=True)
    method = stage.method
    assert isinstance(method, StructureGuided)
    rates = [method.learning_rate * stage.budget.factor(step) for step in (0, 200_000, 405_859)]
    assert rates == [1e-4, 1e-4, 1e-4]
    assert (method.guide, method.stepping.endpoint) == (PosePath(3, "cosine", "exact"), "backbone")


def test_of_simple_baseline_three_levels_are_read_and_of_others_all() -> None:
    simple, other = structure_guided.paper(COCO), structure_guided.paper(COCO, Lightning())
    assert (simple.method.unet.levels, other.method.unet.levels) == (3, 4)


def test_at_paper_scale_the_estimator_is_trained_as_it_was_published() -> None:
    estimator = structure_guided.paper(COCO).row("ours").stage.start
    assert estimator is not None
    assert estimator.budget.steps == 140 * 1171
    factors = [estimator.budget.factor(epoch * 1171) for epoch in (0, 89, 90, 120)]
    assert factors == [1.0, 1.0, 0.1, 0.1**2]


def test_published_weights_need_no_training_of_the_estimator() -> None:
    paper = structure_guided.paper(COCO, Lightning(), is_trained=True)
    assert paper.row("ours").stage.start is None
    assert paper.baseline().stage.budget.steps == 0
    assert paper.baseline().role == "source-only"


def test_the_ablation_is_the_table_of_the_paper() -> None:
    baseline, *rows = SMALL.ablation()
    assert (baseline.name, baseline.role) == ("baseline (paper 72.3)", "control")
    methods = [row.stage.method for row in rows]
    assert [row.name[:2] for row in rows] == ["A1", "A2", "A3", "A4", "ou"]
    assert methods == [
        replace(SMALL.method, guide=NoGuide()),
        replace(SMALL.method, guide=PredictedHeatmaps()),
        replace(SMALL.method, guide=PosePath(fusion="none")),
        replace(SMALL.method, training_end="truth"),
        SMALL.method,
    ]


def test_rows_share_the_baseline_and_start_from_it() -> None:
    baseline, *rows = SMALL.ablation()
    assert {row.stage.start for row in rows} == {baseline.stage}
    assert len({row.stage.key() for row in rows}) == len(rows)
