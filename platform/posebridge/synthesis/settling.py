"""How a body comes to rest: it rolls until its centre of mass is over what it lies on."""

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import ConvexHull

from posebridge.synthesis.angles import Matrix, swing

_EVERY = 4  # vertex of the skin; flesh smooths what lies between
_DOWN = np.array([0.0, 0.0, -1.0])

Points = Float[np.ndarray, "point 3"]


def center_of_mass(vertices: Points, faces: Int[np.ndarray, "face 3"]) -> Float[np.ndarray, "3"]:
    """Centre of the volume within a closed surface, of equal density throughout."""
    middle = vertices.mean(axis=0).astype(np.float64)
    corners = vertices[faces].astype(np.float64) - middle
    volumes = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2]))
    moments = volumes[:, None] * corners.sum(axis=1) / 4
    return np.asarray(middle + moments.sum(axis=0) / volumes.sum())


def settle(points: Points, center: Float[np.ndarray, "3"]) -> Matrix:
    """The turn by which a rigid body comes to rest on level ground.

    It starts on the face of its convex hull that looks down most, and rolls over the edge that
    its centre of mass is beyond, face by face, until that is over the face it lies on. Every roll
    lowers the centre, so it ends.

    Args:
        points: of its surface, z upwards.
        center: of mass, inside the convex hull.

    Returns:
        The smallest rotation that turns the body as it is to how it rests.
    """
    hull = ConvexHull(points[::_EVERY].astype(np.float64))
    normals = hull.equations[:, :3]
    face = int(np.argmin(normals[:, 2]))
    for _ in range(len(normals)):
        corners = hull.points[hull.simplices[face]]
        shares = _barycentric(center, corners, normals[face])
        if shares.min() >= 0:
            break
        # Beyond the edge opposite to a corner lies the neighbour of the same index.
        face = int(hull.neighbors[face, int(np.argmin(shares))])
    return np.asarray(swing(normals[face], _DOWN))


def tilt_deg(turn: Matrix) -> float:
    """By how much a rotation turns the body, degrees."""
    return float(np.rad2deg(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1.0, 1.0))))


def _barycentric(
    point: Float[np.ndarray, "3"], corners: Float[np.ndarray, "3 3"], normal: np.ndarray
) -> Float[np.ndarray, "3"]:
    """Weights of a triangle's corners at the foot of the perpendicular from a point."""
    a, b, c = corners
    whole = np.cross(b - a, c - a) @ normal
    shares = [np.cross(q - p, point - p) @ normal for p, q in ((b, c), (c, a), (a, b))]
    return np.asarray(np.asarray(shares) / whole)
