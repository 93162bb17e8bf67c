"""`data clip`: a clip of a population as a video, or as a strip of frames."""

import argparse
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from rich.console import Console

from posebridge.commands.options import usual_split
from posebridge.populations.files import write_file
from posebridge.populations.film import Film, film
from posebridge.populations.manifest import OpenPopulation

Picture = UInt8[np.ndarray, "_ _ 3"]

ENDINGS = (".mp4", ".gif", ".png")
_GIF_RATE_HZ = 12.5  # viewers show no GIF faster than 50 frames/s, and few above 20


def add_clip(added: argparse.ArgumentParser) -> None:
    """What can be said of a clip."""
    added.add_argument("--split", help="it is in; test where there is one")
    added.add_argument("--sequence", default="0", help="its name, or its number in the split")
    added.add_argument(
        "--out", type=Path, default=Path("clip.mp4"), help="clip.mp4, .gif, or .png for a strip"
    )


def clip(
    asked: argparse.Namespace,
    console: Console,
    *,
    find: Callable[[argparse.Namespace], OpenPopulation],
) -> int:
    """Draw a clip of a population that is in the store.

    Args:
        asked: with the name, the clip and where to.
        console: says where the picture is.
        find: opens the population.

    Raises:
        ValueError: if there is no such clip, or no such kind of picture.
        OSError: if it cannot be written.
    """
    ending = asked.out.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"a clip must end with {', '.join(ENDINGS)}, but got {str(asked.out)!r}.")
    population = find(asked)
    split = asked.split or usual_split(population)
    write_file(asked.out, encoded(film(population, split, asked.sequence), ending))
    console.print(str(asked.out), highlight=False, soft_wrap=True)
    return 0


def encoded(found: Film, ending: str) -> bytes:
    """A clip as a file.

    Args:
        found: the clip.
        ending: of `ENDINGS`; ".png" makes a strip.
    """
    if ending == ".png":
        return bytes(cv2.imencode(".png", found.strip())[1])
    if ending == ".gif":
        step = max(1, round(found.rate_hz / _GIF_RATE_HZ))
        return gif(list(found.frames(step)), found.rate_hz / step)
    return mp4(found.frames(), found.rate_hz)


def mp4(pictures: Iterable[Picture], rate_hz: float) -> bytes:
    """A video of BGR pictures of one size, in MPEG-4.

    Raises:
        OSError: if this build of OpenCV cannot write videos.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        writer: cv2.VideoWriter | None = None
        for picture in pictures:
            if writer is None:
                size = picture.shape[1], picture.shape[0]
                writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), rate_hz, size)
                if not writer.isOpened():
                    raise OSError("this build of OpenCV writes no mp4; choose a name with .gif")
            writer.write(picture)
        if writer is not None:
            writer.release()
        return path.read_bytes()


def gif(pictures: Sequence[Picture], rate_hz: float) -> bytes:
    """An endless animation of BGR pictures of one size."""
    animation = cv2.Animation()
    animation.frames = list(pictures)
    animation.durations = [round(1000 / rate_hz)] * len(pictures)
    done, data = cv2.imencodeanimation(".gif", animation)
    if not done:
        raise OSError("this build of OpenCV writes no gif; choose a name with .mp4")
    return bytes(data)
