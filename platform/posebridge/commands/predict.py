"""`predict`: keypoints of any images as COCO json, and pictures of them."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from posebridge.engine.artifacts import Store
from posebridge.engine.coco import Listing, image_listing, read_boxes, result
from posebridge.engine.overlay import overlay
from posebridge.engine.predict import LeftOut, Picture, requests
from posebridge.engine.predict import predict as predict_images
from posebridge.engine.predictors import Guess, find_predictor
from posebridge.engine.single_poses import SinglePoses
from posebridge.estimators.flipping import FlipTest
from posebridge.experiment import load_experiment
from posebridge.populations.files import write_file
from posebridge.skeletons import Skeleton

RESULTS = "keypoints.json"
IMAGES = "images.json"
OVERLAYS = "overlays"
NAMED = 3
FLIP_TESTS = {"plain": FlipTest(), "shifted": FlipTest(shift=True)}


def add_predict(added: argparse.ArgumentParser) -> None:
    """By what, of which images, and where to."""
    added.add_argument(
        "--system",
        required=True,
        metavar="KEY",
        help="the beginning of a finished stage's key, or a shipped estimator such as "
        "movenet-lightning; a wrong one is answered with those there are",
    )
    added.add_argument(
        "--experiment",
        type=Path,
        metavar="FILE",
        help="where a stage was trained by a method, or of an estimator, that the file of its "
        "experiment defines: that file",
    )
    added.add_argument("images", nargs="+", type=Path, help="images, or folders of them")
    added.add_argument("--out", type=Path, required=True, help="folder of the results")
    added.add_argument(
        "--boxes",
        type=Path,
        metavar="COCO.json",
        help="person boxes; without, each image is taken for the surroundings of one person",
    )
    added.add_argument(
        "--overlays",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw the keypoints over the images",
    )
    added.add_argument(
        "--flip-test",
        choices=sorted(FLIP_TESTS),
        help="average over each image and its mirror image; `shifted` moves the mirrored maps by "
        "a cell, as the authors of SimpleBaseline and HRNet do with their weights",
    )
    added.add_argument(
        "--single-poses",
        action="store_true",
        help="of the poses that a detector's boxes give, keep the surest of each person (OKS-NMS "
        "at 0.9), scored by box and sure keypoints, as published results are made",
    )


def predict(asked: argparse.Namespace, console: Console) -> int:
    """Predict the people of some images.

    Writes `keypoints.json` (COCO results, see `engine.coco.result`), `images.json` (which image an
    id is) and, where asked, one picture an image below `overlays`.
    """
    if asked.single_poses and asked.boxes is None:
        raise ValueError(
            "--single-poses needs a detector's boxes, but there are none: give them by --boxes, "
            "or leave it out."
        )
    listing = None if asked.boxes is None else read_boxes(asked.boxes)
    wanted, left_out = requests(asked.images, listing)
    if not wanted and not left_out:
        folders = ", ".join(str(path) for path in asked.images)
        raise ValueError(f"there must be images to predict, but {folders} holds none.")
    if asked.experiment is not None:
        load_experiment(asked.experiment)
    flip_test = FLIP_TESTS.get(asked.flip_test)
    predictor = replace(find_predictor(Store(asked.store), asked.system), flip_test=flip_test)
    console.print(f"{predictor.title} on {predictor.device}", highlight=False, soft_wrap=True)
    single = SinglePoses(predictor.skeleton, *predictor.input_size) if asked.single_poses else None
    found = _Found(asked.out if asked.overlays else None, predictor.skeleton, single)
    shown = track(
        predict_images(predictor, wanted),
        description="images",
        total=len(wanted),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    for one in shown:
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            found.add(one)
    _tell(console, left_out, listing)
    if not found.people:
        console.print("[red]nothing could be predicted.[/]")
        return 1
    found.write(asked.out)
    console.print(
        f"{len(found.people)} people in {len(found.images)} images: {asked.out / RESULTS}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


@dataclass
class _Found:
    """What has been predicted so far; pictures are written as they come.

    Attributes:
        pictures: folder of the results, None to draw nothing.
        skeleton: of the keypoints.
        single_poses: what keeps one pose a person; None keeps all, at their plain scores.
        people: entries of a COCO result.
        images: entries of a COCO file's images.
        names: of pictures that are taken.
    """

    pictures: Path | None
    skeleton: Skeleton
    single_poses: SinglePoses | None = None
    people: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def add(self, picture: Picture) -> None:
        """Note an image's people, and draw them where asked."""
        request, (height, width) = picture.request, picture.pixels.shape[:2]
        scored: list[tuple[Guess, float | None]] = [(one, None) for one in picture.people]
        if self.single_poses is not None:
            scored = [*self.single_poses(picture.people)]
        self.people += [
            result(request.image_id, one.box, one.keypoints, one.confidence, score=score)
            for one, score in scored
        ]
        self.images.append(
            {
                "id": request.image_id,
                "file_name": str(request.path),
                "height": height,
                "width": width,
            }
        )
        if self.pictures is not None:
            people = [(one.keypoints, one.confidence) for one, _ in scored]
            drawn = overlay(picture.pixels, people, self.skeleton)
            name = self._free_name(request.path.stem)
            write_file(self.pictures / OVERLAYS / name, cv2.imencode(".png", drawn)[1].tobytes())

    def write(self, folder: Path) -> None:
        """Write both files."""
        listed = image_listing(self.images, self.skeleton)
        for name, content in ((RESULTS, self.people), (IMAGES, listed)):
            write_file(folder / name, (json.dumps(content, allow_nan=False) + "\n").encode())

    def _free_name(self, stem: str) -> str:
        """A picture's name; images of the same name in other folders are numbered."""
        number, name = 1, f"{stem}.png"
        while name in self.names:
            number += 1
            name = f"{stem}-{number}.png"
        self.names.add(name)
        return name


def _tell(console: Console, left_out: Sequence[LeftOut], listing: Listing | None) -> None:
    """Say what gave no prediction: how many for each reason, and the first by name."""
    counts = Counter(one.reason for one in left_out) + Counter(listing.left_out if listing else {})
    for reason, count in counts.items():
        names = [one.name for one in left_out if one.reason == reason]
        shown = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
        console.print(
            f"[yellow]left out: {reason} {count}[/]{escape(': ' + shown if shown else '')}",
            highlight=False,
            soft_wrap=True,
        )
