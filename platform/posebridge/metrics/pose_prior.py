"""How much predicted poses look like people: a prior over the poses of those who are labelled.

A pose is a shape, without place, size and rotation, since infants lie any way up. Planar shapes
are unit vectors of complex numbers x + iy about their centroid, and turning one is multiplying it
by a number [0].

Axes: `person`, `keypoint` in the order of the skeleton, `common` for the keypoints of a prior,
`part` for their real and imaginary parts. NaN means undefined.

Sources:
    [0] Dryden and Mardia, Statistical Shape Analysis, 2nd ed., 2016: full Procrustes mean and
        tangent coordinates of planar shapes in complex numbers.
    [1] Ledoit and Wolf, A well-conditioned estimator for large-dimensional covariance matrices,
        2004, https://doi.org/10.1016/S0047-259X(03)00096-4.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

COMMON = 0.5
"""Keypoints that fewer of the labelled people have are left out of a prior."""
NOTHING = 1e-9
"""A share of a pose that is no more than rounding."""


@dataclass(frozen=True, eq=False)
class PosePrior:
    """A Gaussian over the shapes of labelled people, where position, size and rotation are gone.

    Attributes:
        common: keypoints that it knows.
        mean: Procrustes mean shape, a unit vector of complex numbers x + iy.
        precision: inverse of the shrunk covariance, over real and imaginary parts.
        distances: squared Mahalanobis distance of each labelled person, rising.
    """

    common: Bool[np.ndarray, " keypoint"]
    mean: Complex[np.ndarray, " common"]
    precision: Float[np.ndarray, "part part"]
    distances: Float[np.ndarray, " labelled"]


def fit_pose_prior(
    keypoints: Float[np.ndarray, "person keypoint 2"],
    labelled: Bool[np.ndarray, "person keypoint"],
) -> PosePrior | None:
    """Learn how people look from those who are labelled.

    Of the keypoints that at least half of the people have; of the people who have all of these.

    Args:
        keypoints: pixels, any frame; not read where not labelled.
        labelled: which of them count.

    Returns:
        The prior; None unless two people who differ have the same three keypoints or more.
    """
    common = labelled.sum(0) >= COMMON * len(labelled)
    whole = labelled[:, common].all(1)
    shapes = _shapes(keypoints[whole][:, common])
    shapes = shapes[np.isfinite(shapes).all(1)]
    if len(shapes) < 2 or shapes.shape[1] < 3:
        return None
    mean = np.linalg.eigh(shapes.T @ shapes.conj())[1][:, -1]
    tangents = _tangents(shapes, mean)
    if np.abs(tangents).max() < NOTHING:
        return None
    precision = np.linalg.inv(_shrunk_covariance(tangents))
    return PosePrior(common, mean, precision, np.sort(_squared_distances(tangents, precision)))


def plausibility(
    prior: PosePrior, keypoints: Float[np.ndarray, "person keypoint 2"]
) -> Float[np.ndarray, " person"]:
    """Share of the labelled people who look at least as unusual as a predicted pose.

    Does not change when the pose is moved, scaled or turned; a mirrored pose is another one.

    Args:
        prior: of labelled people.
        keypoints: predicted, pixels of any frame.

    Returns:
        In [0, 1], higher is more usual: 1 for the mean pose, about ½ on average for people like
        the labelled ones; NaN where a keypoint is not finite or all are in one place.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> people = np.array([[0.0, 0], [0, 2], [1, 0]]) + 0.1 * rng.normal(size=(50, 3, 2))
        >>> prior = fit_pose_prior(people, np.ones((50, 3), bool))
        >>> line = np.array([[[0.0, 0], [1, 0], [2, 0]]])
        >>> plausibility(prior, line)
        array([0.])
    """
    shapes = _shapes(keypoints[:, prior.common])
    distances = _squared_distances(_tangents(shapes, prior.mean), prior.precision)
    below = np.searchsorted(prior.distances, np.nan_to_num(distances, nan=np.inf))
    share: Float[np.ndarray, " person"] = 1.0 - below / len(prior.distances)
    return np.where(np.isnan(distances), np.nan, share)


def _shapes(
    keypoints: Float[np.ndarray, "person keypoint 2"],
) -> Complex[np.ndarray, "person keypoint"]:
    """Poses as unit vectors of complex numbers about their centroid; NaN without extent."""
    points = keypoints[..., 0].astype(np.float64) + 1j * keypoints[..., 1]
    centred = points - points.mean(1, keepdims=True)
    size = np.linalg.norm(centred, axis=1, keepdims=True)
    extended = size > NOTHING * np.abs(points).max(1, keepdims=True, initial=0.0)
    return np.where(extended, centred / np.where(extended, size, 1.0), np.nan)


def _tangents(
    shapes: Complex[np.ndarray, "person keypoint"], mean: Complex[np.ndarray, " keypoint"]
) -> Float[np.ndarray, "person part"]:
    """Where shapes, turned onto the mean, differ from it: real parts, then imaginary ones."""
    along = shapes @ mean.conj()
    length = np.abs(along)[:, None]
    # A shape at a right angle to the mean stays as it is turned.
    turn = np.where(length > 0, along.conj()[:, None], 1.0) / np.where(length > 0, length, 1.0)
    turned = shapes * turn
    away = turned - length * mean
    return np.concatenate([away.real, away.imag], axis=1)


def _squared_distances(
    tangents: Float[np.ndarray, "person part"], precision: Float[np.ndarray, "part part"]
) -> Float[np.ndarray, " person"]:
    squared: Float[np.ndarray, " person"] = np.einsum("np,pq,nq->n", tangents, precision, tangents)
    return squared


def _shrunk_covariance(
    samples: Float[np.ndarray, "person part"],
) -> Float[np.ndarray, "part part"]:
    """Second moments about zero, drawn towards a multiple of the identity [1]."""
    number, parts = samples.shape
    covariance = samples.T @ samples / number
    scale = np.trace(covariance) / parts
    target = scale * np.eye(parts)
    spread = ((covariance - target) ** 2).sum()
    noise = ((samples**2).sum(1) ** 2).sum() / number**2 - (covariance**2).sum() / number
    shrinkage = min(noise / spread, 1.0) if spread > 0 else 1.0
    shrunk: Float[np.ndarray, "part part"] = shrinkage * target + (1 - shrinkage) * covariance
    return shrunk
