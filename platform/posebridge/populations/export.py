"""A split of a population as COCO json, which other tools and our own import read.

https://cocodataset.org/#format-data; what COCO has no place for stands under "posebridge".
"""

import json
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa

from posebridge.populations.importers.coco_json import OWN
from posebridge.populations.manifest import OpenPopulation
from posebridge.skeletons import Skeleton

PERSON = 1
COLUMNS = (
    *("person_id", "image_id", "box", "keypoints", "visibility", "area", "subject", "sequence"),
    *("frame", "attributes", "keypoints_3d_mm", "intrinsics", "height", "width", "encoded"),
)
_ENDINGS = {b"\xff\xd8": ".jpg", b"\x89P": ".png", b"RI": ".webp", b"BM": ".bmp"}
_KEPT = ("person_id", "image_id", "subject", "sequence", "frame", "keypoints_3d_mm", "intrinsics")


def export_coco(
    population: OpenPopulation, split: str, out: IO[str]
) -> Iterator[tuple[str, bytes]]:
    """Write a split as COCO json, shard by shard, and give its images with their file names.

    Ids in the json are numbers, as COCO's tools want them; our own stand beside them, and come
    back when it is imported again. Keypoints, boxes and areas are written to the last bit.

    Args:
        population: that is complete.
        split: which of its splits.
        out: is written to while the images are taken, and is complete after the last.

    Yields:
        Name and bytes of each image.

    Raises:
        ShardError: if a shard is missing or damaged.
        ManifestError: if there is no such split.
    """
    # Kept apart until the end: one list must stand whole before the other.
    images: list[str] = []
    numbers: dict[str, int] = {}
    out.write(f'{{"info": {json.dumps(_info(population, split))},\n"annotations": [')
    count = 0
    for shard in range(population.num_shards(split)):
        table, _ = population.read_shard(split, shard, COLUMNS)
        for row in _rows(table):
            name = row["image_id"]
            if name not in numbers:
                numbers[name] = len(numbers) + 1
                encoded = row["encoded"]
                file = f"{numbers[name]:012d}{_ENDINGS.get(encoded[:2], '')}"
                images.append(json.dumps(_image(row, numbers[name], file)))
                yield file, encoded
            count += 1
            comma = ",\n" if count > 1 else "\n"
            out.write(comma + json.dumps(_annotation(row, count, numbers[name])))
    out.write('],\n"images": [\n' + ",\n".join(images))
    out.write(f'],\n"categories": [{json.dumps(_category(population.skeleton))}]}}\n')


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """One by one, as a row has the bytes of an image."""
    for start in range(table.num_rows):
        yield from table.slice(start, 1).to_pylist()


def _info(population: OpenPopulation, split: str) -> dict[str, str]:
    manifest = population.manifest
    return {
        "description": f"{manifest.name} {split}",
        "license": manifest.licence,
        "citation": manifest.citation,
        "content": manifest.fingerprint,
    }


def _image(row: dict[str, Any], number: int, file: str) -> dict[str, Any]:
    return {
        "id": number,
        "file_name": file,
        "height": row["height"],
        "width": row["width"],
        OWN: {"image_id": row["image_id"]},
    }


def _annotation(row: dict[str, Any], number: int, image: int) -> dict[str, Any]:
    x, y = row["keypoints"][0::2], row["keypoints"][1::2]
    triples = zip(x, y, row["visibility"], strict=True)
    own = {name: row[name] for name in _KEPT if row[name] not in (None, "")}
    return {
        "id": number,
        "image_id": image,
        "category_id": PERSON,
        "iscrowd": 0,
        "bbox": row["box"],
        "area": row["area"],
        "num_keypoints": sum(v > 0 for v in row["visibility"]),
        "keypoints": [number for triple in triples for number in triple],
        OWN: own | {"attributes": dict(row["attributes"])},
    }


def _category(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "id": PERSON,
        "name": "person",
        "supercategory": "person",
        "keypoints": list(skeleton.keypoints),
        "skeleton": [[one + 1, other + 1] for one, other in skeleton.limbs],
    }
