"""ViTPose and ViTPose++ on the network of transformers: features, experts, files, refusals."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from posebridge.estimators.released import released
from posebridge.estimators.vitpose import ViTPose, ViTPosePlus, check

needs_transformers = pytest.mark.skipif(
    find_spec("transformers") is None, reason="needs transformers: pip install 'posebridge[hub]'"
)


@needs_transformers
@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize(
    ("asked", "channels"),
    [
        (ViTPose("small", input_height=64, input_width=48), {"stride8": 256, "stride4": 256}),
        (ViTPose("small", "simple", 64, 48), {"stride4": 384}),
        (ViTPosePlus("small", input_height=64, input_width=48), {"stride8": 256, "stride4": 256}),
    ],
)
def test_features_are_the_tokens_and_what_the_head_makes_of_them(
    asked: ViTPose | ViTPosePlus, channels: dict[str, int]
) -> None:
    estimator = asked.build().eval()
    images = torch.rand(2, 3, 64, 48)
    shapes = {name: tuple(value.shape) for name, value in estimator.features(images).items()}
    expected = {"stride16": (2, 384, 4, 3)} | {
        name: (2, count, 64 // int(name[6:]), 48 // int(name[6:]))
        for name, count in channels.items()
    }
    assert shapes == expected
    routing = torch.zeros(2, dtype=torch.long) if isinstance(asked, ViTPosePlus) else None
    whole = estimator.model(estimator.normalize(images), dataset_index=routing).heatmaps
    torch.testing.assert_close(estimator(images).heatmaps, whole)


@needs_transformers
@pytest.mark.slow
def test_only_the_expert_of_coco_learns() -> None:
    model = ViTPosePlus("small", input_height=64, input_width=64).build().model
    experts = {n: v.requires_grad for n, v in model.named_parameters() if ".experts." in n}
    assert len(experts) == 12 * 6 * 2  # blocks, experts, weight and bias
    assert all(learns == (".experts.0." in name) for name, learns in experts.items())


@needs_transformers
@pytest.mark.slow
def test_a_folder_of_transformers_is_read(tmp_path: Path) -> None:
    asked = ViTPose("small", input_height=64, input_width=64, keypoints="crowdpose14")
    torch.manual_seed(1)
    saved = asked.build()
    saved.model.save_pretrained(tmp_path)
    file = released(str(tmp_path / "model.safetensors"))
    torch.manual_seed(2)
    started = ViTPose("small", "classic", 64, 64, "crowdpose14", weights=file).build()
    torch.testing.assert_close(started.state_dict(), saved.state_dict())


@needs_transformers
@pytest.mark.slow
def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    ViTPose("small", input_height=64, input_width=64).build().model.save_pretrained(tmp_path)
    file = released(str(tmp_path / "model.safetensors"))
    with pytest.raises(
        ValueError, match=r"tensors of ViTPose-small with the simple head for coco"
    ):
        ViTPose("small", "simple", 64, 64, weights=file).build()


def test_without_transformers_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match=r"not installed: run pip install 'posebridge\[hub\]'"):
        ViTPose().build()


def test_unknown_size_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"has the sizes small, base, large, huge, but got 'gian"):
        check("giant", 256, 192)


@pytest.mark.parametrize("asked", [ViTPose, ViTPosePlus])
def test_sides_that_patches_do_not_fill_are_refused(asked: type[ViTPose | ViTPosePlus]) -> None:
    with pytest.raises(
        ValueError, match=r"input_width must be .* multiple of 16 pixels, but got 1"
    ):
        asked(input_width=100)


def test_unknown_keypoints_are_refused() -> None:
    with pytest.raises(ValueError, match="coco18"):
        ViTPose(keypoints="coco18")
