"""What a person's body is like: age, build and height, as the body model understands them."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float

# Anchors of each phenotype: the shapes an artist made, between which the model interpolates.
_AGE_ANCHORS = (-1 / 3, 0.0, 1 / 3, 2 / 3, 1.0)  # newborn, baby, child, young adult, old
_NUM_ANCHORS = {"gender": 2, "age": 5, "muscle": 3, "weight": 3, "height": 2, "proportions": 2}
_NUM_FIXED_ANCHORS = (3, 3)  # two more phenotypes of the model, kept at their middle


@dataclass(frozen=True)
class Phenotype:
    """Describes a body. Every field but `age` and the three ancestries lies in [0, 1].

    Attributes:
        age: [-1/3, 1]: newborn -1/3 (51 cm), baby 0 (67 cm), child 1/3 (142 cm), young adult
            2/3 (184 cm), old 1 (181 cm); heights are those at the other fields' defaults.
        gender: 0 female, 1 male.
        muscle: 0 slack, 1 muscular.
        weight: 0 thin, 1 heavy.
        height: relative to the age. Very strong (a newborn spans 34 to 68 cm): keep it within
            0.42 and 0.58 for natural people.
        proportions: 0 uncommon, 1 ideal.
        african: share of this ancestry, at least 0; the three are divided by their sum.
        asian: as `african`.
        caucasian: as `african`.
    """

    age: float = 2 / 3
    gender: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5
    african: float = 1 / 3
    asian: float = 1 / 3
    caucasian: float = 1 / 3

    def __post_init__(self) -> None:
        """Reject values outside the model's range.

        Raises:
            ValueError: if a field is outside its range.
        """
        ancestries = ("african", "asian", "caucasian")
        for field in fields(self):
            value = getattr(self, field.name)
            low = -1 / 3 if field.name == "age" else 0.0
            high = np.inf if field.name in ancestries else 1.0
            if not low - 1e-9 <= value <= high:
                raise ValueError(
                    f"{field.name} must lie in [{low:.3g}, {high:.3g}], but got {value}. "
                    "Clip it before building a Phenotype."
                )
        if self.african + self.asian + self.caucasian <= 0:
            raise ValueError(
                "african + asian + caucasian must be above 0, but got 0. Set one of them."
            )


def anchor_weights(phenotype: Phenotype) -> Float[np.ndarray, " 26"]:
    """Weight of every anchor; each phenotype's weights sum to 1, at most two are above 0."""
    ancestry = np.array([phenotype.african, phenotype.asian, phenotype.caucasian])
    weights = [ancestry / ancestry.sum()]
    for name, count in _NUM_ANCHORS.items():
        anchors = np.array(_AGE_ANCHORS) if name == "age" else np.linspace(0, 1, count)
        weights.append(_interpolate(getattr(phenotype, name), anchors))
    weights += [_interpolate(0.5, np.linspace(0, 1, count)) for count in _NUM_FIXED_ANCHORS]
    return np.concatenate(weights)


def _interpolate(
    value: float, anchors: Float[np.ndarray, " anchor"]
) -> Float[np.ndarray, " anchor"]:
    basis = np.eye(len(anchors))
    return np.array([np.interp(value, anchors, row) for row in basis])
