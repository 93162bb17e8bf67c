from pathlib import Path

import pytest

from posebridge.engine.definitions import send_by_value
from posebridge.experiment import load_experiment

OWN = Path(__file__).parents[1] / "integration" / "own_experiment.py"
LOCKED = """
import threading

LOCK = threading.Lock()
old_views = Reach.views

class Locked(Reach):
    @property
    def views(self):
        with LOCK:
            return old_views.fget(self)

import dataclasses
SYSTEM = dataclasses.replace(
    EXPERIMENT.systems[0], stage=dataclasses.replace(LAST, method=Locked(), start=None)
)
EXPERIMENT = dataclasses.replace(EXPERIMENT, systems=(SYSTEM,))
"""


def test_what_a_file_defines_can_be_sent() -> None:
    send_by_value(OWN, load_experiment(OWN))


def test_what_cannot_be_sent_is_told_before_anything_begins(tmp_path: Path) -> None:
    file = tmp_path / "locked.py"
    file.write_text(OWN.read_text() + LOCKED)
    with pytest.raises(
        ValueError,
        match=r"what .*locked.py defines must be fit to be sent .*, but got TypeError: .*lock.*\. "
        "Make locks, open files and the like inside the functions that use them",
    ):
        send_by_value(file, load_experiment(file))
