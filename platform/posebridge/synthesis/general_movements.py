"""General movements of young infants: joint angles in time, of writhing or of fidgety character.

What observers say of them, and what was measured:

- They involve the whole body in a variable sequence and wax and wane in intensity, force and
  speed. Fidgety ones are small, of moderate speed and variable acceleration, of neck, trunk and
  limbs in all directions [0]; an ongoing flow, irregular all over the body, most of all at 8 to 12
  weeks [1]. Writhing ones, those of newborns, are slow and of limited amplitude [1].
- A movement of a leg, from one change of direction to the next, lasts 0.23 to 0.33 s, its mean
  acceleration is 1.6 to 3.9 m/s² [2]; a movement unit of a hand about 0.2 s [3]. Two of them make
  a cycle: 0.4 to 0.66 s, 1.5 to 2.5 Hz. The fidgety band is that one, half a hertz wider at
  either end.
- Hip and knee of newborns move in step [4]; the limbs have no common beat [5].

No published spectrum of either character was found. The writhing band (a cycle of 1.7 to 8 s) is
set by hand to be slower than any of the above, as are all amplitudes. These clips are for testing
methods on known motion; no clinician has rated them.

Every channel is a sum of sines of random frequencies within the band: a function of time alone,
so a longer clip begins with the shorter, at any frame rate.

Sources:
    [0] Einspieler, Prechtl, Prechtl's assessment of general movements, Ment Retard Dev Disabil Res
        Rev 11, 2005, https://doi.org/10.1002/mrdd.20051
    [1] Hadders-Algra, Prechtl, Developmental course of general movements in early infancy I, Early
        Hum Dev 28, 1992
    [2] Trujillo-Priego, Smith, Kinematic characteristics of infant leg movements produced across a
        full day, 2017, https://doi.org/10.1177/2055668317717461
    [3] Fetters, Todd, Quantitative assessment of infant reaching movements, J Mot Behav 19, 1987,
        https://doi.org/10.1080/00222895.1987.10735405
    [4] Thelen, Fisher, The organization of spontaneous leg movements in newborn infants, J Mot
        Behav 15, 1983, https://doi.org/10.1080/00222895.1983.10735305
    [5] Piek, A quantitative analysis of spontaneous kicking in two-month-old infants, Hum Mov Sci
        15, 1996
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from posebridge.synthesis.angle_vectors import NUM_CHANNELS, NUM_SIDE

Times = Float[np.ndarray, " time"]
Offsets = Float[np.ndarray, "time channel"]

_WAVES = 7  # sines of a channel
_SWELL_HZ, _SWELL = (0.04, 0.16), 0.5  # how each limb's movement waxes and wanes
_LEG, _ARM, _TRUNK = slice(0, 6), slice(6, NUM_SIDE), slice(2 * NUM_SIDE, NUM_CHANNELS)
_HIP, _KNEE, _SHOULDER = 0, 3, 6  # first channels of a side's joints


@dataclass(frozen=True)
class Character:
    """How movements of one character go.

    Attributes:
        band_hz: of all angles.
        side_deg: deviation in time of the 13 channels of a side, degrees.
        trunk_deg: of the three of the spine and the three of the neck.
        is_coupled: hips move in step with knees, hips and shoulders round in ellipses; otherwise
            every channel moves on its own.
    """

    band_hz: tuple[float, float]
    side_deg: tuple[float, ...]
    trunk_deg: tuple[float, ...]
    is_coupled: bool


CHARACTERS: Mapping[str, Character] = {
    "writhing": Character(
        band_hz=(0.125, 0.6),
        side_deg=(10, 8, 7, 13, 7, 6, 12, 10, 9, 15, 9, 12, 10),
        trunk_deg=(1.5, 2.0, 2.0, 2.0, 2.5, 8.0),
        is_coupled=True,
    ),
    "fidgety": Character(
        band_hz=(1.0, 3.0),
        side_deg=(3, 2.5, 3.5, 4.5, 6, 5, 3.5, 3, 4, 5, 8, 8, 6),
        trunk_deg=(0.6, 0.8, 0.8, 1.0, 1.2, 3.0),
        is_coupled=False,
    ),
}
ABSENT = "absent"
"""The same infant at rest."""
CLIP_CHARACTERS = (*CHARACTERS, ABSENT)


@dataclass(frozen=True, eq=False)
class Waves:
    """Offsets from the resting pose as sums of sines.

    Attributes:
        frequencies_hz: of each sine.
        phases: radians.
        amplitudes_deg: of each channel: root of the mean square of a channel that never swells.
        swell_hz: of each channel's waxing and waning; the same throughout a limb.
        swell_phases: radians.
    """

    frequencies_hz: Float[np.ndarray, "channel wave"]
    phases: Float[np.ndarray, "channel wave"]
    amplitudes_deg: Float[np.ndarray, " channel"]
    swell_hz: Float[np.ndarray, " channel"]
    swell_phases: Float[np.ndarray, " channel"]

    def at(self, times_s: Times) -> Offsets:
        """Offsets at some times, degrees."""
        angle = 2 * np.pi * times_s[:, None, None] * self.frequencies_hz + self.phases
        waves = np.sqrt(2 / _WAVES) * np.sin(angle).sum(axis=2)
        swell = np.sin(2 * np.pi * times_s[:, None] * self.swell_hz + self.swell_phases)
        return np.asarray(self.amplitudes_deg * (1 + _SWELL * swell) * waves)


def draw_waves(rng: np.random.Generator, character: Character) -> Waves:
    """The movements of one infant; draws the same numbers whatever the length of a clip."""
    low, high = character.band_hz
    # Sines that swell spread a little: they stay inside the band even so.
    room = _SWELL_HZ[1] if high - low > 4 * _SWELL_HZ[1] else 0.0
    frequencies = rng.uniform(low + room, high - room, (NUM_CHANNELS, _WAVES))
    phases = rng.uniform(0, 2 * np.pi, (NUM_CHANNELS, _WAVES))
    if character.is_coupled:
        for side in (0, NUM_SIDE):
            for first in (side + _HIP, side + _SHOULDER):
                frequencies[first + 1] = frequencies[first]
                phases[first + 1] = phases[first] + np.pi / 2
            frequencies[side + _KNEE] = frequencies[side + _HIP]
            phases[side + _KNEE] = phases[side + _HIP]
    limb = _limb_of_channel()
    return Waves(
        frequencies_hz=frequencies,
        phases=phases,
        amplitudes_deg=np.array([*character.side_deg, *character.side_deg, *character.trunk_deg]),
        swell_hz=rng.uniform(*_SWELL_HZ, 5)[limb],
        swell_phases=rng.uniform(0, 2 * np.pi, 5)[limb],
    )


def bounded(
    offsets: Offsets, below: Float[np.ndarray, " channel"], above: Float[np.ndarray, " channel"]
) -> Offsets:
    """Offsets that never leave the room there is, and are left alone far from its ends.

    Args:
        offsets: degrees.
        below: room towards lower angles, above 0.
        above: room towards higher angles, above 0.

    Example:
        >>> bounded(np.array([[0.1], [90.0], [-90.0]]), np.array([5.0]), np.array([20.0])).round(1)
        array([[ 0.1],
               [20. ],
               [-5. ]])
    """
    room = np.where(offsets > 0, above, below)
    return np.asarray(room * np.tanh(offsets / room))


def _limb_of_channel() -> np.ndarray:
    limb = np.zeros(NUM_CHANNELS, int)
    for number, start in enumerate((0, NUM_SIDE)):
        limb[start + _LEG.start : start + _LEG.stop] = 2 * number
        limb[start + _ARM.start : start + _ARM.stop] = 2 * number + 1
    limb[_TRUNK] = 4
    return limb
