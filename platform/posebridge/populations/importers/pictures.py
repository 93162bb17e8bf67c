"""Images of a data set: their bytes stay as they are, their size is read from the header."""

import io
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from posebridge.populations.checks import MISSING_IMAGE, NOT_AN_IMAGE, OTHER_SIZE
from posebridge.populations.importers.base import ListedImage, UnusableImageError
from posebridge.populations.importers.source import Source
from posebridge.populations.people import ImageRow


def header_size(encoded: bytes) -> tuple[int, int]:
    """Height and width, px, as the pixels are stored: an orientation tag does not count.

    Raises:
        UnusableImageError: if the bytes do not begin like an image.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            return image.height, image.width
    # Pillow raises the last of what looks like more pixels than anybody would have.
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnusableImageError(NOT_AN_IMAGE) from error


def read_image(source: Source, listed: ListedImage) -> ImageRow:
    """An image as it is stored.

    Args:
        source: where it lies.
        listed: where in it; `height` and `width` of what is said about it are checked, if given.

    Raises:
        UnusableImageError: if it is missing, no image, or of another size than its annotation.
    """
    encoded = source.read(listed.file)
    if encoded is None:
        raise UnusableImageError(MISSING_IMAGE)
    size = header_size(encoded)
    said = listed.about.get("height"), listed.about.get("width")
    # A photograph that was annotated turned upright has its sides exchanged: its keypoints would
    # be in the wrong place.
    if None not in said and said != size:
        raise UnusableImageError(OTHER_SIZE)
    return ImageRow(listed.image_id, *size, encoded)


def with_maps(image: ImageRow, depth: bytes | None, mask: bytes | None) -> ImageRow:
    """The image with its depth as it is, and its mask as numbers of people.

    Args:
        image: as it is stored.
        depth: 16-bit PNG, mm.
        mask: of the one person in it, an image whose pixels are not 0 where that person is.

    Raises:
        UnusableImageError: if the mask is no image.
    """
    return replace(image, depth_png=depth, instance_png=None if mask is None else _one(mask))


def _one(mask: bytes) -> bytes:
    """A mask as a PNG of 0 and 1."""
    pixels = cv2.imdecode(np.frombuffer(mask, np.uint8), cv2.IMREAD_GRAYSCALE) if mask else None
    if pixels is None:
        raise UnusableImageError(NOT_AN_IMAGE)
    encoded: bytes = cv2.imencode(".png", (np.asarray(pixels) > 0).astype(np.uint8))[1].tobytes()
    return encoded
