"""The same scene photographed with too little light: less exposure, more grain, nothing else.

Sources:
    [0] Lee et al., Human pose estimation in extremely low-light conditions, 2023 (ExLPose): two
        cameras see one scene at once, one of them through a filter that takes most of the light.
"""

from dataclasses import dataclass, replace

import numpy as np

from posebridge.synthesis.scenes import Scene

BANDS = (("normal", 0.117), ("hard", 0.068), ("extreme", 0.0))
"""Bands of darkness, by the least share of the light that is left in each: a third of the octaves
of the population `low-light` each."""


@dataclass(frozen=True)
class Darkness:
    """How much light is left and how much grain there is.

    Attributes:
        exposure: share of the bright picture's linear light.
        noise: of the sensor, see `Sensor.noise`.
    """

    exposure: float
    noise: float

    @property
    def band(self) -> str:
        """Name of the band of `BANDS` that the exposure lies in."""
        return next(name for name, least in BANDS if self.exposure >= least)


def draw_darkness(rng: np.random.Generator, exposure: tuple[float, float]) -> Darkness:
    """An exposure between two, each octave as likely, and grain as of a high gain."""
    low, high = np.log(exposure)
    share = float(np.exp(rng.uniform(low, high)))
    return Darkness(exposure=share, noise=float(rng.uniform(0.02, 0.05)))


def darkened(scene: Scene, darkness: Darkness) -> Scene:
    """The scene as a sensor with that little light sees it; people say so in their attributes."""
    sensor = replace(
        scene.sensor, gain=scene.sensor.gain * darkness.exposure, noise=darkness.noise
    )
    told = {
        "light": "dark",
        "darkness": darkness.band,
        "exposure": f"{darkness.exposure:.3f}",
    }
    people = [replace(who, attributes={**who.attributes, **told}) for who in scene.people]
    return replace(scene, sensor=sensor, people=tuple(people))
