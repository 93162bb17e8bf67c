import numpy as np
import pytest

from posebridge.synthesis.general_movements import CHARACTERS, bounded, draw_waves

RATE_HZ = 25.0
every_character = pytest.mark.parametrize("name", list(CHARACTERS))


def offsets(name: str, seconds: float, rate_hz: float = RATE_HZ, seed: int = 0) -> np.ndarray:
    waves = draw_waves(np.random.default_rng(seed), CHARACTERS[name])
    return waves.at(np.arange(round(seconds * rate_hz)) / rate_hz)


def power(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, and the power of each channel there, of a series seen through a Hann window."""
    window = np.hanning(len(series))[:, None]
    spectrum = np.abs(np.fft.rfft((series - series.mean(axis=0)) * window, axis=0)) ** 2
    return np.fft.rfftfreq(len(series), 1 / RATE_HZ), spectrum


@every_character
def test_all_power_lies_within_the_band(name: str) -> None:
    """Over a minute; a Hann window of that length smears by 2/60 Hz, and swelling by 0.16 Hz."""
    low, high = CHARACTERS[name].band_hz
    frequencies, found = power(offsets(name, 60.0))
    inside = (frequencies > low - 0.2) & (frequencies < high + 0.2)
    shares = found[inside].sum(axis=0) / found.sum(axis=0)
    assert shares.min() > 0.999


def test_fidgety_power_is_where_movements_last_as_measured() -> None:
    """Two movements of 0.2 to 0.33 s make a cycle of 1.5 to 2.5 Hz, the middle of the band."""
    frequencies, found = power(offsets("fidgety", 60.0))
    mean = (frequencies[:, None] * found).sum() / found.sum()
    assert 1.5 < mean < 2.5


def test_writhing_is_larger_and_slower() -> None:
    writhing, fidgety = (offsets(name, 60.0) for name in ("writhing", "fidgety"))
    side = slice(0, 26)
    assert writhing[:, side].std() > 1.5 * fidgety[:, side].std()
    speeds = [
        np.abs(np.diff(series[:, 3])).mean() / series[:, 3].std() for series in (writhing, fidgety)
    ]
    assert speeds[0] < 0.5 * speeds[1]


@every_character
def test_every_joint_moves_by_what_is_stated(name: str) -> None:
    """Swelling by half raises the root mean square by √(1 + 0.5²/2) = 1.06."""
    character = CHARACTERS[name]
    stated = np.array([*character.side_deg, *character.side_deg, *character.trunk_deg])
    many = np.concatenate([offsets(name, 30.0, seed=seed) for seed in range(12)])
    np.testing.assert_allclose(np.sqrt((many**2).mean(axis=0)), 1.06 * stated, rtol=0.2)


def test_limbs_have_no_common_beat() -> None:
    correlations = np.corrcoef(offsets("fidgety", 120.0).T)
    apart = ~np.eye(len(correlations), dtype=bool)
    assert np.abs(correlations[apart]).mean() < 0.1


def test_writhing_hips_move_with_knees_and_round() -> None:
    series = offsets("writhing", 120.0)
    assert np.corrcoef(series[:, 0], series[:, 3])[0, 1] > 0.99
    assert abs(np.corrcoef(series[:, 0], series[:, 1])[0, 1]) < 0.2  # a quarter turn apart


@every_character
def test_movements_wax_and_wane(name: str) -> None:
    series = offsets(name, 60.0)[:, :6]
    levels = np.array([part.std() for part in np.split(series, 12)])
    assert levels.max() > 1.4 * levels.min()


@every_character
def test_longer_and_faster_films_show_the_same_movement(name: str) -> None:
    short, long = offsets(name, 4.0), offsets(name, 9.0)
    np.testing.assert_array_equal(long[: len(short)], short)
    np.testing.assert_allclose(offsets(name, 4.0, 50.0)[::2], short, atol=1e-9)


def test_bounded_offsets_stay_in_their_room_and_are_smooth() -> None:
    room_below, room_above = np.array([2.0, 5.0]), np.array([8.0, 1e-6])
    wide = np.linspace(-60, 60, 4001)[:, None] * np.ones(2)
    found = bounded(wide, room_below, room_above)
    assert (found >= -room_below).all()
    assert (found <= room_above).all()
    np.testing.assert_allclose(found[2001], wide[2001] * [1, 0], atol=1e-4)
    assert np.abs(np.diff(found, axis=0)).max() <= np.diff(wide, axis=0).max() + 1e-9
