import zlib

import numpy as np
import pytest

from posebridge.synthesis.darkness import Darkness, darkened, draw_darkness
from posebridge.synthesis.room_scenes import adult_room_scene


@pytest.mark.parametrize(
    ("exposure", "band"), [(0.3, "normal"), (0.12, "normal"), (0.1, "hard"), (0.05, "extreme")]
)
def test_bands_grow_harder_with_less_light(exposure: float, band: str) -> None:
    assert Darkness(exposure, 0.02).band == band


def test_exposures_fill_the_range_evenly_by_octaves() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_darkness(rng, (0.05, 0.2)).exposure for _ in range(400)]
    assert 0.05 <= min(drawn) < max(drawn) <= 0.2
    assert np.mean(np.array(drawn) < 0.1) == pytest.approx(0.5, abs=0.1)


def test_darkness_takes_light_and_leaves_the_scene() -> None:
    scene = adult_room_scene(
        lambda name: np.random.default_rng([1, zlib.crc32(name.encode())]), roll_deg=10.0
    )
    dark = darkened(scene, Darkness(0.1, 0.03))
    assert dark.sensor.gain == pytest.approx(0.1 * scene.sensor.gain)
    assert dark.sensor.noise == 0.03
    assert dark.sensor.jpeg_quality == scene.sensor.jpeg_quality
    assert (dark.meshes, dark.camera, dark.lights) == (scene.meshes, scene.camera, scene.lights)
    told = dark.people[0].attributes
    assert (told["light"], told["darkness"], told["exposure"]) == ("dark", "hard", "0.100")
    assert told["posture"] == scene.people[0].attributes["posture"]
