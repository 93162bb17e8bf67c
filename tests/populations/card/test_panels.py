import matplotlib.colors
import numpy as np
import pytest

from posebridge.populations.card.panels import LEFT, OPAQUE, RIGHT, density_colors
from posebridge.populations.card.places import CELLS, MARGIN, Density

SIZE = CELLS + 2 * MARGIN


def blot(side: str, row: int, column: int) -> Density:
    """A map with everybody in one cell."""
    counts = np.zeros((SIZE, SIZE), int)
    counts[row, column] = 7
    return Density("wrist", side, tuple(tuple(line) for line in counts.tolist()))


def test_a_place_has_the_colour_of_its_side_and_nothing_elsewhere() -> None:
    colors = density_colors([blot("left", 5, 5), blot("right", 20, 20)])
    assert colors.shape == (SIZE, SIZE, 4)
    np.testing.assert_allclose(colors[5, 5], [*matplotlib.colors.to_rgb(LEFT), OPAQUE])
    np.testing.assert_allclose(colors[20, 20], [*matplotlib.colors.to_rgb(RIGHT), OPAQUE])
    assert colors[29, 0, 3] == 0


def test_where_both_sides_are_their_colours_mix_whatever_their_order() -> None:
    one, other = blot("left", 9, 9), blot("right", 9, 9)
    colors = density_colors([one, other])
    np.testing.assert_allclose(colors, density_colors([other, one]))
    mixed = np.mean([matplotlib.colors.to_rgb(LEFT), matplotlib.colors.to_rgb(RIGHT)], axis=0)
    np.testing.assert_allclose(colors[9, 9, :3], mixed)
    assert colors[9, 9, 3] == pytest.approx(1 - (1 - OPAQUE) ** 2)


def test_a_map_of_nobody_is_clear() -> None:
    nobody = Density("wrist", "left", tuple((0,) * SIZE for _ in range(SIZE)))
    assert density_colors([nobody]).max() == 0
