"""A person drawn by hand, whose joints are known to the pixel."""

from pathlib import Path

FIGURE = Path(__file__).parent / "golden" / "movenet" / "figure.png"
JOINTS = {
    "left_shoulder": (110, 54),
    "right_shoulder": (80, 54),
    "left_wrist": (150, 52),
    "right_wrist": (48, 106),
    "left_ankle": (118, 176),
    "right_ankle": (76, 176),
}
"""Where they were drawn, px of the picture."""
