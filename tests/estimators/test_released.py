"""Released files: what is read, what is refused, and what a stage's key says of them."""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.tiny import Tiny
from posebridge.estimators.movenet import Lightning
from posebridge.estimators.released import (
    Naming,
    ReleasedFile,
    by_prefix,
    load,
    released,
    without_weights,
)
from posebridge.estimators.simple_baseline import SimpleBaseline
from posebridge.identity import describe, restore

NAMINGS = (Naming("the paper", by_prefix({"net.": ""})), Naming("the toolbox", by_prefix({})))


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def numbered() -> dict[str, Tensor]:
    """Tensors of `network` with other values than any it starts with."""
    state = network().state_dict()
    return {name: torch.full_like(value, 7 + i) for i, (name, value) in enumerate(state.items())}


def saved(content: object, folder: Path, name: str = "weights.pth") -> ReleasedFile:
    torch.save(content, folder / name)
    return released(str(folder / name))


def in_module(state: dict[str, Tensor]) -> dict[str, Any]:
    return {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}


@pytest.mark.parametrize(
    "wrapped",
    [dict, in_module, lambda s: {"meta": {"epoch": 1}, "state_dict": s}, lambda s: {"model": s}],
    ids=["plain", "parallel checkpoint", "mmpose", "model"],
)
def test_tensors_are_found_in_whatever_they_are_saved_in(
    wrapped: Callable[[dict[str, Tensor]], object], tmp_path: Path
) -> None:
    into, state = network(), numbered()
    naming = load(into, saved(wrapped(state), tmp_path), NAMINGS[1:], what="a toy")
    assert naming is NAMINGS[1]
    for name, value in into.state_dict().items():
        torch.testing.assert_close(value, state[name])


def test_safetensors_are_read_and_the_naming_that_fits_is_taken(tmp_path: Path) -> None:
    state = {f"net.{name}": value for name, value in numbered().items()}
    save_file(state, tmp_path / "weights.safetensors")
    into = network()
    file = released(str(tmp_path / "weights.safetensors"))
    assert load(into, file, NAMINGS, what="a toy") is NAMINGS[0]
    assert into.state_dict()["0.bias"].tolist() == [8, 8]


def test_a_file_may_lack_the_counters_that_no_result_depends_on(tmp_path: Path) -> None:
    state = numbered()
    del state["1.num_batches_tracked"]
    into = network()
    into(torch.zeros(1, 1, 2, 2))
    load(into, saved(state, tmp_path), NAMINGS, what="a toy")
    assert into.state_dict()["1.num_batches_tracked"] == 0


def test_what_does_not_fit_is_named_in_one_error(tmp_path: Path) -> None:
    state = numbered()
    del state["0.bias"]
    state |= {"0.weight": torch.zeros(3, 1, 1, 1), "extra.weight": torch.zeros(5)}
    into = network()
    before = copy.deepcopy(into.state_dict())
    file = saved(state, tmp_path)
    with pytest.raises(ValueError, match="must hold the tensors of a toy") as raised:
        load(into, file, NAMINGS, what="a toy")
    assert str(raised.value).splitlines() == [
        f"{file.uri} must hold the tensors of a toy, as named by the paper or the toolbox, but by "
        "the paper 3 do not fit:",
        "  0.bias (2,) is missing",
        "  extra.weight (5,) is left over",
        "  0.weight is (3, 1, 1, 1), not (2, 1, 1, 1)",
        "Give a file of this network, or the network of this file: its size and keypoints.",
    ]
    torch.testing.assert_close(into.state_dict(), before)


def test_of_many_misfits_the_first_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    state = numbered() | {f"more.{number}": torch.zeros(1) for number in range(23)}
    with pytest.raises(ValueError, match=r"more\.19 \(1,\) is left over\n… and 3 more\nGive"):
        load(network(), saved(state, tmp_path), NAMINGS, what="a toy")


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    file = saved(numbered(), tmp_path)
    saved({"other": torch.zeros(1)}, tmp_path)
    with pytest.raises(ValueError, match=f"must have the SHA-256 {file.sha256}, but has .*: give"):
        file.tensors()


def test_a_file_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be at .*none.pth, but FileNotFoundError.*Put the"):
        released(str(tmp_path / "none.pth"))
    with pytest.raises(ValueError, match=r"must be at nowhere://x, but ValueError: Protocol not"):
        released("nowhere://x")
    with pytest.raises(ValueError, match=r"none is named: give its path, as in weights=released"):
        ReleasedFile("0" * 64).tensors()


class Code:
    """What a training toolbox may leave in its checkpoints."""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"state_dict": {}, "log": Code()},
            r"must hold tensors alone, since .* write its tensors",
        ),
        ([torch.zeros(1)], r"must hold named tensors, .* but holds a list: give the file of"),
        ({"epoch": 3, "lr": 0.1}, r"but holds a dict with float, int: give the file of"),
    ],
)
def test_what_is_no_set_of_tensors_is_refused(
    content: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        saved(content, tmp_path).tensors()


@pytest.mark.parametrize("name", ["half.pth", "half.safetensors"])
def test_half_a_file_is_refused(name: str, tmp_path: Path) -> None:
    torch.save(numbered(), tmp_path / "whole.pth")
    content = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"must be a whole file of torch or of safetensors"):
        released(str(tmp_path / name)).tensors()


def test_a_stage_is_addressed_by_what_a_file_holds_and_not_by_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"same")
    (tmp_path / "b.pth").write_bytes(b"same")
    (tmp_path / "c.pth").write_bytes(b"other")
    a, b, c = (SimpleBaseline(weights=released(str(tmp_path / f"{n}.pth"))) for n in "abc")
    assert describe(a) == describe(b) != describe(c)
    assert describe(a)["weights"] == {
        "class": "posebridge.estimators.released:ReleasedFile",
        "sha256": hashlib.sha256(b"same").hexdigest(),
    }
    assert restore(describe(a)) == a == b != c


def test_what_is_loaded_over_needs_no_file() -> None:
    asked = SimpleBaseline(18, weights=ReleasedFile("0" * 64, "/gone.pth"), bgr=True)
    assert without_weights(asked) == SimpleBaseline(18, bgr=True)
    assert without_weights(asked).build().skeleton.name == "coco17"
    assert without_weights(Lightning()) == Lightning()
    # Whose field of that name is something else.
    assert without_weights(Tiny(weights=3)) == Tiny(weights=3)


def test_a_network_starts_from_one_thing() -> None:
    with pytest.raises(ValueError, match="got pretrained=True and weights=.*: leave one"):
        SimpleBaseline(pretrained=True, weights=ReleasedFile("0" * 64))
