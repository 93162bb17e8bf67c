"""What holds for every rendered population, on two people of each of its splits."""

import dataclasses
import functools
import inspect

import cv2
import numpy as np
import pyarrow as pa
import pytest

from posebridge.identity import describe, restore
from posebridge.populations import all_populations
from posebridge.populations.base import RenderedPopulation
from posebridge.populations.checks import check_people
from posebridge.populations.crops import CropSize, decode_image, person_view
from posebridge.populations.people import ImageRow, Sample, people_table
from posebridge.populations.views import UPRIGHT, ViewPolicy

RENDERED = [kind for kind in all_populations() if issubclass(kind, RenderedPopulation)]


@functools.cache
def _samples(kind: type[RenderedPopulation]) -> tuple[Sample, ...]:
    population = kind()
    return tuple(population.render(_split(kind), index) for index in range(2))


def _split(kind: type[RenderedPopulation]) -> str:
    return next(iter(kind().splits()))


every_population = pytest.mark.parametrize("kind", RENDERED, ids=lambda kind: kind.name)


def test_the_embedded_populations_are_found() -> None:
    assert RENDERED


@every_population
def test_a_population_says_what_it_is(kind: type[RenderedPopulation]) -> None:
    assert not inspect.isabstract(kind)
    assert kind.name
    assert kind.licence
    assert kind().label.startswith(kind.name)
    assert kind().splits()
    assert kind.__doc__


@every_population
def test_a_population_survives_being_described(kind: type[RenderedPopulation]) -> None:
    population = kind(seed=3)
    again = restore(describe(population))
    assert again == population
    assert again.fingerprint() == population.fingerprint() != kind().fingerprint()
    assert hash(again) == hash(population)


@every_population
def test_its_people_pass_every_check(kind: type[RenderedPopulation]) -> None:
    for sample in _samples(kind):
        assert sample.people
        table = people_table(sample.people)
        for name, value in (("height", sample.image.height), ("width", sample.image.width)):
            column = pa.array([value] * table.num_rows, pa.int32())
            table = table.append_column(name, column)
        kept, rejected = check_people(table, kind.skeleton)
        assert (kept.num_rows, dict(rejected)) == (len(sample.people), {})


@every_population
def test_its_images_and_maps_have_the_size_they_say(kind: type[RenderedPopulation]) -> None:
    for sample in _samples(kind):
        image = sample.image
        assert decode_image(image.encoded).shape == (image.height, image.width, 3)
        for name in ("depth_png", "normals_png", "parts_png", "instance_png"):
            encoded = getattr(image, name)
            if encoded is not None:
                pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
                assert pixels is not None
                assert pixels.shape[:2] == (image.height, image.width)
                assert pixels.dtype == (np.uint16 if name == "depth_png" else np.uint8)


@every_population
def test_its_people_belong_to_their_image_and_split(kind: type[RenderedPopulation]) -> None:
    population = kind()
    seen: dict[str, str] = {}
    for split in population.splits():
        sample = population.render(split, 0)
        for person in sample.people:
            assert person.image_id == sample.image.image_id
            assert seen.setdefault(person.subject, split) == split
    ids = [person.person_id for sample in _samples(kind) for person in sample.people]
    assert len(set(ids)) == len(ids)


@every_population
def test_the_same_arguments_give_the_same_bytes(kind: type[RenderedPopulation]) -> None:
    first, again = _samples(kind)[0], kind().render(_split(kind), 0)
    for field in dataclasses.fields(ImageRow):
        assert getattr(first.image, field.name) == getattr(again.image, field.name)
    for one, two in zip(first.people, again.people, strict=True):
        assert np.array_equal(one.keypoints, two.keypoints)


@every_population
def test_a_smaller_population_is_the_beginning_of_it(kind: type[RenderedPopulation]) -> None:
    split = _split(kind)
    smaller = dataclasses.replace(kind(), **{split: 2})
    assert smaller.render(split, 1).image.encoded == _samples(kind)[1].image.encoded


@every_population
def test_another_seed_gives_other_people(kind: type[RenderedPopulation]) -> None:
    other = kind(seed=1).render(_split(kind), 0)
    assert other.image.encoded != _samples(kind)[0].image.encoded
    assert other.people[0].subject != _samples(kind)[0].people[0].subject


@every_population
def test_points_in_space_project_onto_the_image_points(kind: type[RenderedPopulation]) -> None:
    for person in (person for sample in _samples(kind) for person in sample.people):
        if person.keypoints_3d_mm is None or person.intrinsics is None:
            continue
        fx, fy, cx, cy = person.intrinsics
        x, y, z = person.keypoints_3d_mm.T
        projected = np.stack([fx * x / z + cx, fy * y / z + cy], axis=1)
        labelled = person.visibility > 0
        assert labelled.any()
        assert np.abs(projected - person.keypoints)[labelled].max() < 0.1


@every_population
def test_seen_keypoints_lie_on_their_own_person(kind: type[RenderedPopulation]) -> None:
    """Every person's are in the mask of one instance, and no two people's in the same."""
    for sample in _samples(kind):
        encoded = sample.image.instance_png
        if encoded is None:
            continue
        instance = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED)
        assert instance is not None
        shown = [
            {
                int(instance[int(y), int(x)])
                for x, y in np.floor(person.keypoints[person.visibility == 2])
            }
            for person in sample.people
        ]
        assert all(len(one) <= 1 and 0 not in one for one in shown)
        seen = [value for one in shown for value in one]
        assert len(set(seen)) == len(seen) > 0


@every_population
def test_flipping_twice_gives_the_view_back(kind: type[RenderedPopulation]) -> None:
    size, order = CropSize(96, 96), list(kind.skeleton.flip_order)
    for sample in _samples(kind):
        image = decode_image(sample.image.encoded)
        straight, mirrored = (
            person_view(
                image,
                sample.people[0],
                policy=policy,
                rng=np.random.default_rng(0),
                size=size,
                skeleton=kind.skeleton,
            )
            for policy in (UPRIGHT, ViewPolicy(flip=1.0))
        )
        back = mirrored.keypoints[order] * [-1, 1] + [96, 0]
        assert np.allclose(back, straight.keypoints, atol=1e-3)
        assert np.abs(mirrored.image[:, ::-1].astype(int) - straight.image).max() <= 1
