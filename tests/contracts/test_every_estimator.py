"""What every estimator must do, whichever it is; a new architecture is found without an edit."""

import copy
import pickle
from functools import cache
from importlib.util import find_spec

import pytest
import torch
from _pytest.mark import ParameterSet
from torch import Tensor

from posebridge.batch import Maps
from posebridge.estimators import all_architectures
from posebridge.estimators.base import Architecture, Estimator

ARCHITECTURES = [kind() for kind in all_architectures()]
BATCH = 2
SLOW = {"HRNet", "ViTPose", "ViTPosePlus"}
"""Each takes ten seconds and more."""
OF_TRANSFORMERS = {"ViTPose", "ViTPosePlus"}
"""Of an optional library."""


@cache
def built(architecture: Architecture) -> Estimator:
    """The network; shared by the tests, which leave it as it was."""
    torch.manual_seed(0)
    return architecture.build().eval()


def images_for(estimator: Estimator) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(BATCH, 3, estimator.input_height, estimator.input_width, generator=generator)


def tensors_of(maps: Maps) -> list[Tensor]:
    return [maps.heatmaps] if maps.offsets is None else [maps.heatmaps, maps.offsets]


def as_parameter(architecture: Architecture) -> ParameterSet:
    name = type(architecture).__name__
    marks = [pytest.mark.slow] if name in SLOW else []
    if name in OF_TRANSFORMERS:
        marks.append(pytest.mark.skipif(find_spec("transformers") is None, reason="optional"))
    return pytest.param(architecture, id=name, marks=marks)


each_architecture = pytest.mark.parametrize("architecture", [*map(as_parameter, ARCHITECTURES)])


def test_the_architectures_are_found() -> None:
    names = {type(architecture).__name__ for architecture in ARCHITECTURES}
    assert {"Lightning", "Thunder", "SimpleBaseline"} <= names


@each_architecture
def test_architecture_is_plain_data(architecture: Architecture) -> None:
    assert pickle.loads(pickle.dumps(architecture)) == architecture
    assert hash(type(architecture)()) == hash(architecture)


@each_architecture
@torch.no_grad()
def test_maps_have_one_channel_a_keypoint_at_the_stride(architecture: Architecture) -> None:
    estimator = built(architecture)
    maps = estimator(images_for(estimator))
    height, width = (
        estimator.input_height // estimator.stride,
        estimator.input_width // estimator.stride,
    )
    keypoints = estimator.skeleton.num_keypoints
    assert maps.heatmaps.shape == (BATCH, keypoints, height, width)
    assert maps.offsets is None or maps.offsets.shape == (BATCH, keypoints, 2, height, width)
    assert all(values.isfinite().all() for values in tensors_of(maps))


@each_architecture
@torch.no_grad()
def test_forward_is_the_head_of_the_features(architecture: Architecture) -> None:
    estimator = built(architecture)
    images = images_for(estimator)
    apart = estimator.head(estimator.features(images))
    for together, parts in zip(tensors_of(estimator(images)), tensors_of(apart), strict=True):
        torch.testing.assert_close(together, parts, atol=0, rtol=0)


@each_architecture
@torch.no_grad()
def test_features_named_by_stride_have_that_stride(architecture: Architecture) -> None:
    estimator = built(architecture)
    features = estimator.features(images_for(estimator))
    assert features
    for name, values in features.items():
        stride = int(name.removeprefix("stride"))
        assert values.shape[-2] * stride == estimator.input_height
        assert values.shape[-1] * stride == estimator.input_width


@each_architecture
@torch.no_grad()
def test_decoded_keypoints_lie_within_a_cell_of_the_image(architecture: Architecture) -> None:
    estimator = built(architecture)
    decoded = estimator.decode(estimator(images_for(estimator)))
    assert decoded.keypoints.shape == (BATCH, estimator.skeleton.num_keypoints, 2)
    assert decoded.confidence.shape == (BATCH, estimator.skeleton.num_keypoints)
    size = torch.tensor((estimator.input_width, estimator.input_height))
    assert (decoded.keypoints > -estimator.stride).all()
    assert (decoded.keypoints < size + estimator.stride).all()


@each_architecture
@torch.no_grad()
def test_the_same_images_give_the_same_maps(architecture: Architecture) -> None:
    estimator = built(architecture)
    images = images_for(estimator)
    before = images.clone()
    first, second = estimator(images), estimator(images)
    torch.testing.assert_close(images, before, atol=0, rtol=0)
    for one, other in zip(tensors_of(first), tensors_of(second), strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)


@each_architecture
@torch.no_grad()
def test_the_people_of_a_batch_do_not_influence_each_other(architecture: Architecture) -> None:
    estimator = built(architecture)
    images = images_for(estimator)
    alone = estimator(images[:1]).heatmaps
    torch.testing.assert_close(estimator(images).heatmaps[:1], alone, atol=1e-4, rtol=1e-4)


@each_architecture
@torch.no_grad()
def test_state_goes_into_a_fresh_network_and_gives_the_same_maps(
    architecture: Architecture,
) -> None:
    estimator = built(architecture)
    torch.manual_seed(2)
    fresh = architecture.build().eval()
    for value in fresh.parameters():
        value.add_(1)
    fresh.load_state_dict(copy.deepcopy(estimator.state_dict()))
    images = images_for(estimator)
    torch.testing.assert_close(fresh(images).heatmaps, estimator(images).heatmaps)


@each_architecture
def test_every_trainable_parameter_gets_a_gradient_from_the_maps(
    architecture: Architecture,
) -> None:
    """One that never does would stall training on several workers."""
    estimator = copy.deepcopy(built(architecture)).train()
    maps = tensors_of(estimator(images_for(estimator)))
    torch.autograd.backward([(values**2).sum() for values in maps])
    for name, value in estimator.named_parameters():
        if value.requires_grad:
            assert value.grad is not None, name
            assert value.grad.isfinite().all(), name
            assert (value.grad != 0).any(), name
