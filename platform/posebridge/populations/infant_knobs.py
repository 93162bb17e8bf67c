"""Knobs that rendered populations of infants share: how they lie, and where the camera is."""

from collections.abc import Sequence

from posebridge.synthesis.infant_poses import SUPINE, check_poses
from posebridge.synthesis.infant_views import check_view

ANY_VIEW = "any"
ONLY_SUPINE = (SUPINE,)


def check_knobs(poses: Sequence[str], view: str) -> None:
    """Refuse unknown names.

    Raises:
        ValueError: naming the known ones.
    """
    check_poses(poses)
    check_view(view)


def shown(poses: Sequence[str], view: str) -> str:
    """What a label adds for poses and a view that are not the usual ones.

    Example:
        >>> shown(("supine",), "any"), shown(("prone", "sitting"), "diagonal")
        ('', ' prone+sitting diagonal')
    """
    added = "" if tuple(poses) == ONLY_SUPINE else f" {'+'.join(poses)}"
    return added + ("" if view == ANY_VIEW else f" {view}")
