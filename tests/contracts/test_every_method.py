"""What every training method must do, whichever it is; a new method is found without an edit."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from posebridge.batch import LabeledBatch, Maps, Predictions, UnlabeledBatch, View
from posebridge.estimators.base import Estimator
from posebridge.heatmaps import decode_offset, decode_quarter
from posebridge.methods import all_methods
from posebridge.methods.base import Optimize, TrainingMethod
from posebridge.search_space import contains, search_space
from posebridge.skeletons import COCO17

SIDE, BATCH, NUM_UPDATES = 32, 3, 3
METHODS = [kind() for kind in all_methods()]


class TinyEstimator(Estimator):
    """Two convolutions and batch norm; no published weights, no speed to lose."""

    skeleton = COCO17
    input_height = input_width = SIDE
    stride = 4
    sigma_cells = 1.0

    def __init__(self, *, has_offsets: bool) -> None:
        super().__init__()
        self.has_offsets = has_offsets
        self.trunk = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=4, padding=1), nn.BatchNorm2d(8), nn.ReLU()
        )
        self.top = nn.Conv2d(8, 17 * (3 if has_offsets else 1), 1)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        return {"stride4": self.trunk(images)}

    def head(self, features: dict[str, Tensor]) -> Maps:
        maps = self.top(features["stride4"])
        size = maps.shape[-2:]
        offsets = maps[:, 17:].reshape(-1, 17, 2, *size) if self.has_offsets else None
        return Maps(maps[:, :17].sigmoid(), offsets)

    def decode(self, maps: Maps) -> Predictions:
        if maps.offsets is None:
            return decode_quarter(maps.heatmaps, self.stride)
        return decode_offset(maps.heatmaps, maps.offsets, self.stride)


def tiny_estimator(has_offsets: bool) -> TinyEstimator:
    torch.manual_seed(0)
    return TinyEstimator(has_offsets=has_offsets)


def batches() -> tuple[LabeledBatch, UnlabeledBatch]:
    generator = torch.Generator().manual_seed(1)
    images = [torch.rand(BATCH, 3, SIDE, SIDE, generator=generator) for _ in range(3)]
    keypoints = torch.rand(BATCH, 17, 2, generator=generator) * SIDE
    visible = torch.rand(BATCH, 17, generator=generator) < 0.8
    # Undefined where not visible: a method that reads them anyway fails on NaN.
    keypoints = torch.where(visible[..., None], keypoints, torch.nan)
    upright = torch.eye(2, 3).repeat(BATCH, 1, 1)
    turned = torch.tensor([[0.0, -1.0, SIDE], [1.0, 0.0, 0.0]])
    mirrored = torch.tensor([[-1.0, 0.0, SIDE], [0.0, 1.0, 0.0]])
    strong = View(images[1], torch.stack((turned, mirrored, torch.eye(2, 3))))
    return (
        LabeledBatch(images[0], keypoints, visible),
        UnlabeledBatch(strong=strong, weak=View(images[2], upright)),
    )


def adam(method: TrainingMethod, nets: nn.ModuleDict) -> Optimize:
    optimizers = {
        player: torch.optim.Adam(
            [parameter for parameter in nets[player].parameters() if parameter.requires_grad], lr
        )
        for player, lr in method.learning_rates().items()
    }

    def optimize(player: str, loss: Tensor) -> None:
        optimizers[player].zero_grad()
        torch.autograd.backward(loss)
        optimizers[player].step()

    return optimize


def train(
    method: TrainingMethod, has_offsets: bool
) -> tuple[nn.ModuleDict, list[dict[str, Tensor]]]:
    nets = method.setup(tiny_estimator(has_offsets))
    optimize = adam(method, nets)
    source, target = batches()
    terms = []
    for step in range(NUM_UPDATES):
        torch.manual_seed(step)
        asked = target if method.views.target is not None else None
        terms.append(method.update(nets, source, asked, optimize))
    return nets, terms


every_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
with_and_without_offsets = pytest.mark.parametrize("has_offsets", [True, False])


def test_the_methods_are_found() -> None:
    names = [type(method).__name__ for method in METHODS]
    assert {"MeanTeacher", "StructureGuided", "Supervised"} <= set(names)
    assert names == sorted(names)


@every_method
@with_and_without_offsets
def test_updates_give_finite_detached_numbers(method: TrainingMethod, has_offsets: bool) -> None:
    _, terms = train(method, has_offsets)
    assert terms[0]
    for term in terms:
        assert term.keys() == terms[0].keys()
        for value in term.values():
            assert value.shape == ()
            assert not value.requires_grad
            assert value.isfinite()


@every_method
@with_and_without_offsets
def test_predictions_have_a_keypoint_each_and_need_no_gradient(
    method: TrainingMethod, has_offsets: bool
) -> None:
    nets, _ = train(method, has_offsets)
    images = batches()[0].images
    before = images.clone()
    predictions = method.predict(nets, images)
    assert predictions.keypoints.shape == (BATCH, 17, 2)
    assert predictions.confidence.shape == (BATCH, 17)
    assert predictions.keypoints.isfinite().all()
    assert not predictions.keypoints.requires_grad
    assert torch.equal(images, before)


@every_method
def test_a_person_is_read_alike_alone_and_in_company(method: TrainingMethod) -> None:
    """Predicting uses no statistics of the batch, even right after an update."""
    nets, _ = train(method, has_offsets=True)
    images = batches()[0].images
    together = method.predict(nets, images).confidence
    alone = method.predict(nets, images[:1]).confidence
    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=0)


@every_method
def test_the_players_learn_and_every_parameter_of_theirs_gets_a_gradient(
    method: TrainingMethod,
) -> None:
    """But for those that are frozen, which stay as they are."""
    assert set(method.players) == set(method.learning_rates())
    before = method.setup(tiny_estimator(True))
    nets, _ = train(method, has_offsets=True)
    for player in method.players:
        changed = zip(before[player].parameters(), nets[player].parameters(), strict=True)
        assert all(torch.equal(one, other) != other.requires_grad for one, other in changed)
        assert any(parameter.requires_grad for parameter in nets[player].parameters())


@every_method
def test_what_predicts_is_what_the_next_stage_starts_from(method: TrainingMethod) -> None:
    nets, _ = train(method, has_offsets=True)
    deployed = method.deployed(nets).eval()
    assert any(deployed is net for net in nets.values())
    images = batches()[0].images
    expected = deployed.decode(deployed(images))
    assert torch.equal(method.predict(nets, images).keypoints, expected.keypoints)
    assert any(p.requires_grad for p in method.setup(deployed)["student"].parameters())


@every_method
def test_the_same_seed_gives_the_same_weights(method: TrainingMethod) -> None:
    first, second = (train(method, has_offsets=True)[0].state_dict() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


@every_method
def test_weights_saved_and_loaded_predict_the_same(method: TrainingMethod) -> None:
    nets, _ = train(method, has_offsets=True)
    fresh = method.setup(tiny_estimator(True))
    fresh.load_state_dict(nets.state_dict())
    images = batches()[0].images
    expected, loaded = (method.predict(each, images) for each in (nets, fresh))
    assert torch.equal(expected.keypoints, loaded.keypoints)


@every_method
def test_setup_and_update_leave_what_they_are_given_unchanged(method: TrainingMethod) -> None:
    estimator = tiny_estimator(True)
    before = copy.deepcopy(estimator.state_dict())
    source, target = batches()
    copies = copy.deepcopy((source, target))
    nets = method.setup(estimator)
    asked = target if method.views.target is not None else None
    method.update(nets, source, asked, adam(method, nets))
    assert all(torch.equal(before[name], value) for name, value in estimator.state_dict().items())
    for given, kept in zip(tensors_of(source, target), tensors_of(*copies), strict=True):
        assert torch.equal(given.nan_to_num(-1.0), kept.nan_to_num(-1.0))


@every_method
def test_fields_do_not_change_and_survive_pickling(method: TrainingMethod) -> None:
    before = copy.deepcopy(method)
    train(method, has_offsets=True)
    assert method == before
    assert pickle.loads(pickle.dumps(method)) == method
    assert hash(method) == hash(before)


@every_method
def test_defaults_lie_inside_the_search_space(method: TrainingMethod) -> None:
    space = search_space(method)
    assert "learning_rate" in space
    for name, distribution in space.items():
        value: object = method
        for part in name.split("."):
            value = getattr(value, part)
        assert contains(distribution, value), name


@every_method
def test_the_version_is_a_number_of_the_class(method: TrainingMethod) -> None:
    assert isinstance(vars(type(method))["version"], int)


@every_method
def test_nobody_visible_is_no_error(method: TrainingMethod) -> None:
    nets = method.setup(tiny_estimator(True))
    source, target = batches()
    unseen = LabeledBatch(source.images, source.keypoints, torch.zeros_like(source.visible))
    asked = target if method.views.target is not None else None
    terms = method.update(nets, unseen, asked, adam(method, nets))
    assert all(value.isfinite() for value in terms.values())
    assert all(value.isfinite().all() for value in nets.state_dict().values())


@pytest.mark.parametrize(
    "method", [m for m in METHODS if m.views.target is not None], ids=lambda m: type(m).__name__
)
def test_a_missing_target_is_answered_with_what_to_do(method: TrainingMethod) -> None:
    nets = method.setup(tiny_estimator(True))
    with pytest.raises(ValueError, match="target=None. Give its stage a target"):
        method.update(nets, batches()[0], None, adam(method, nets))


def tensors_of(source: LabeledBatch, target: UnlabeledBatch) -> list[Tensor]:
    views = (target.strong, target.weak)
    return [
        source.images,
        source.keypoints,
        *(view.images for view in views),
        *(view.canonical_from_view for view in views),
    ]
