"""A z-buffer on the CPU: which triangle each pixel sees, and where on it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from posebridge.synthesis.camera import NEAR_M, Camera
from posebridge.synthesis.compiled import compiled, inlined

WIDE = 12
"""Triangles this many pixels wide are worth a look for where each row enters and leaves them."""


class Fragments(NamedTuple):
    """What lies under the centre of each pixel.

    Attributes:
        depth: distance along the view direction (not along the ray), metres; inf for nothing.
        face: index of the triangle; -1 for nothing.
        weights: perspective-correct barycentric weights of its first two corners.
    """

    depth: Float[np.ndarray, "height width"]
    face: Int[np.ndarray, "height width"]
    weights: Float[np.ndarray, "2 height width"]


def perspective_points(
    vertices: Float[np.ndarray, "vertex 3"], camera: Camera
) -> Float[np.ndarray, "vertex 4"]:
    """Homogeneous points of a camera: columns 0 and 1 over column 2 are pixels, 3 is the depth."""
    local = camera.to_camera(vertices)
    homogeneous = local @ camera.intrinsics.T
    return np.concatenate([homogeneous, local[:, 2:]], axis=1)


def rasterize(
    points: Float[np.ndarray, "vertex 4"],
    keep: Float[np.ndarray, " vertex"],
    faces: Int[np.ndarray, "face 3"],
    *,
    height: int,
    width: int,
) -> Fragments:
    """Find the nearest surface under the centre of every pixel.

    Coverage is decided in homogeneous coordinates [0], so triangles may cross the plane of the
    camera; the part nearer than `NEAR_M` is left out. Neighbouring triangles leave no gap.

    Args:
        points: from `perspective_points`, or any (x·w, y·w, w, depth) with w > 0 in front.
        keep: a surface exists where this, interpolated, is at least 0.
        faces: corners of each triangle; both sides are seen.
        height: rows.
        width: columns.

    Sources:
        [0] Olano and Greer, Triangle scan conversion using 2D homogeneous coordinates, 1997.
    """
    depth = np.full((height, width), np.inf, np.float32)
    face = np.full((height, width), -1, np.int32)
    weights = np.zeros((2, height, width), np.float32)
    _draw(points, keep, faces, Fragments(depth, face, weights))
    return Fragments(depth, face, weights)


@inlined
def _extent(a: float, b: float, c: float, size: int) -> tuple[int, int]:
    """First pixel, and one past the last, whose centre may lie between three coordinates."""
    low, high = min(a, b, c), max(a, b, c)
    if not (high > 0.0 and low < size):
        return 0, 0
    return int(np.ceil(max(low, 0.0) - 0.5)), int(np.floor(min(high, float(size)) - 0.5)) + 1


@inlined
def _clipped_extent(
    points: np.ndarray, corners: tuple[int, int, int], axis: int, size: int
) -> tuple[int, int]:
    """The same for a triangle that crosses the near plane: of the part before it."""
    low, high = np.inf, -np.inf
    for k in range(3):
        i, j = corners[k], corners[(k + 1) % 3]
        wi, wj = points[i, 2], points[j, 2]
        if wi >= NEAR_M:
            at = points[i, axis] / wi
            low, high = min(low, at), max(high, at)
        if (wi >= NEAR_M) != (wj >= NEAR_M):
            share = (NEAR_M - wi) / (wj - wi)
            at = (points[i, axis] + share * (points[j, axis] - points[i, axis])) / NEAR_M
            low, high = min(low, at), max(high, at)
    return _extent(low, low, high, size)


@inlined
def _edge(points: np.ndarray, i: int, j: int) -> tuple[float, float, float]:
    """Cross product of two homogeneous points; the other way round it is exactly the negative."""
    xi, yi, wi = points[i, 0], points[i, 1], points[i, 2]
    xj, yj, wj = points[j, 0], points[j, 1], points[j, 2]
    return yi * wj - wi * yj, wi * xj - xi * wj, xi * yj - yi * xj


@inlined
def _inside(slope: float, offset: float, first: int, last: int) -> tuple[int, int]:
    """The pixels of a row, from `first` to before `last`, on the inner side of an edge.

    Those are the pixels x for which slope · (x + 0.5) + offset is not negative. That rises or
    falls all along the row even when rounded, so the result is what a test of each would give.
    """
    if first >= last:
        return first, first
    starts_inside = slope * (first + 0.5) + offset >= 0.0
    ends_inside = slope * (last - 0.5) + offset >= 0.0
    if starts_inside == ends_inside:
        return first, last if starts_inside else first
    at = int(min(max(-offset / slope, float(first)), float(last)))
    if ends_inside:
        while at > first and slope * (at - 0.5) + offset >= 0.0:
            at -= 1
        while slope * (at + 0.5) + offset < 0.0:
            at += 1
        return at, last
    while at < last and slope * (at + 0.5) + offset >= 0.0:
        at += 1
    while slope * (at - 0.5) + offset < 0.0:
        at -= 1
    return first, at


@compiled
def _draw(points: np.ndarray, keep: np.ndarray, faces: np.ndarray, out: Fragments) -> None:
    """Draw every face into `out`, whose arrays it owns."""
    height, width = out.depth.shape
    pixels = points[:, :2] / points[:, 2:3]
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        nearest = min(points[a, 2], points[b, 2], points[c, 2])
        if nearest >= NEAR_M:
            x0, x1 = _extent(pixels[a, 0], pixels[b, 0], pixels[c, 0], width)
            if x0 >= x1:
                continue
            y0, y1 = _extent(pixels[a, 1], pixels[b, 1], pixels[c, 1], height)
        elif max(points[a, 2], points[b, 2], points[c, 2]) < NEAR_M:
            continue
        else:
            x0, x1 = _clipped_extent(points, (a, b, c), 0, width)
            y0, y1 = _clipped_extent(points, (a, b, c), 1, height)
        if x0 < x1 and y0 < y1 and max(keep[a], keep[b], keep[c]) >= 0.0:
            _draw_face(points, keep, (f, a, b, c), (x0, x1, y0, y1), out)


@inlined
def _draw_face(
    points: np.ndarray,
    keep: np.ndarray,
    ids: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    out: Fragments,
) -> None:
    """Draw one face: `ids` are its index and corners, `window` its first and last pixels."""
    f, a, b, c = ids
    ax, ay, aw = _edge(points, b, c)
    bx, by, bw = _edge(points, c, a)
    cx, cy, cw = _edge(points, a, b)
    volume = ax * points[a, 0] + ay * points[a, 1] + aw * points[a, 2]
    if volume == 0.0:
        return
    facing = 1.0 if volume > 0.0 else -1.0
    nearest_total = abs(volume) / NEAR_M
    da, db, dc = points[a, 3], points[b, 3], points[c, 3]
    ka, kb, kc = keep[a], keep[b], keep[c]
    x0, x1, y0, y1 = window
    ax, bx, cx = facing * ax, facing * bx, facing * cx
    index = np.int32(f)
    for y in range(y0, y1):
        wa_row = facing * (ay * (y + 0.5) + aw)
        wb_row = facing * (by * (y + 0.5) + bw)
        wc_row = facing * (cy * (y + 0.5) + cw)
        first, last = x0, x1
        if x1 - x0 > WIDE:
            first, last = _inside(ax, wa_row, first, last)
            first, last = _inside(bx, wb_row, first, last)
            first, last = _inside(cx, wc_row, first, last)
        depths, indices = out.depth[y], out.face[y]
        shares_a, shares_b = out.weights[0, y], out.weights[1, y]
        # No branch and unsigned pixels: the compiler takes several at once.
        for x in range(np.uint64(first), np.uint64(last)):
            center = np.int64(x) + 0.5
            wa, wb, wc = ax * center + wa_row, bx * center + wb_row, cx * center + wc_row
            total = wa + wb + wc
            depth = np.float32((wa * da + wb * db + wc * dc) / total)
            seen = (wa >= 0.0) & (wb >= 0.0) & (wc >= 0.0) & (wa * ka + wb * kb + wc * kc >= 0.0)
            seen = seen & (total > 0.0) & (total <= nearest_total) & (depth < depths[x])
            depths[x] = depth if seen else depths[x]
            indices[x] = index if seen else indices[x]
            shares_a[x] = np.float32(wa / total) if seen else shares_a[x]
            shares_b[x] = np.float32(wb / total) if seen else shares_b[x]
