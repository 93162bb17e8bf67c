import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from rich.console import Console

from posebridge import cli
from posebridge.commands import doctor, overview
from posebridge.engine.artifacts import StoreError

EXPERIMENT = {"--store", "experiment", "--scale", "--set", "--seeds"}
# An option is for ever. Hyperparameters are fields of a stage, and given by --set.
OPTIONS = {
    "doctor": {"--store", "experiment", "--scale", "--address"},
    "data": {"--store"},
    "data make": {"--store", "name", "--set", "--folder", "--address", "--debug"},
    "data list": {"--store"},
    "data import": {
        *("--store", "kind", "folder", "--name", "--split", "--set", "--address", "--debug"),
    },
    "data export": {"--store", "name", "--set", "--split", "--out", "--images"},
    "data show": {
        *("--store", "name", "--set", "--split", "--people", "--columns", "--bare", "--out"),
    },
    "data clip": {"--store", "name", "--set", "--split", "--sequence", "--out"},
    "data card": {"--store", "name", "--set", "--out", "--strict"},
    "plan": EXPERIMENT | {"--address"},
    "run": EXPERIMENT | {"--address", "--debug"},
    "sweep": EXPERIMENT | {"--address", "--storage"},
    "status": EXPERIMENT,
    "leaderboard": EXPERIMENT | {"--metric", "--publish", "--picture"},
    "predict": {
        *("--store", "--system", "--experiment", "images", "--out", "--boxes"),
        *("--overlays", "--no-overlays", "--flip-test", "--single-poses"),
    },
    "submit": {"--store", "--address", "--wait", "command"},
    "jobs": {"--store", "--address"},
}


def _offered(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Every verb with its options."""
    options: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, inner in action.choices.items():
                yield from _offered(inner, f"{name} {verb}".strip())
        else:
            options |= set(action.option_strings or [action.dest])
    yield name, options - {"-h", "--help"}


def test_the_options_of_every_verb_are_these() -> None:
    offered = dict(_offered(cli.parser()))
    assert offered.pop("") == set()
    assert offered == OPTIONS


@pytest.mark.parametrize("verb", OPTIONS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*verb.split(), "--help"])
    assert ended.value.code == 0
    assert f"posebridge {verb}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [[], ["adapt"], ["plan"], ["plan", "x.py", "--rate=3"], ["plan", "x.py", "y.py"]]
)
def test_a_command_that_cannot_be_understood_ends_with_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: posebridge" in capsys.readouterr().err


Behave = Callable[[BaseException | int], None]


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Behave:
    """Makes `status` end in some way."""

    def set_behaviour(end: BaseException | int) -> None:
        def verb(asked: argparse.Namespace, console: Console) -> int:
            if isinstance(end, int):
                return end
            raise end

        monkeypatch.setattr(overview, "status", verb)

    return set_behaviour


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_of_a_verb_is_that_of_the_command(behave: Behave, status: int) -> None:
    behave(status)
    assert cli.main(["status", "x.py"]) == status


@pytest.mark.parametrize(
    "error",
    [
        ValueError("keypoints must be [batch, 17, 2], but got [/red] of [bold]shape[/bold]"),
        FileNotFoundError("no records at [here]"),
        ImportError("no module [torch]"),
        StoreError("cannot write s3://[bucket]/lease: there is no permission to write."),
    ],
)
def test_an_error_is_told_in_one_line_as_it_is(
    behave: Behave, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    behave(error)
    assert cli.main(["status", "x.py"]) == 1
    assert capsys.readouterr().err == f"error: {error}\n"


def test_a_mistake_of_ours_keeps_its_traceback(behave: Behave) -> None:
    behave(KeyError("scores"))
    with pytest.raises(KeyError, match="scores"):
        cli.main(["status", "x.py"])


def test_whoever_interrupts_is_told_how_to_go_on(
    behave: Behave, capsys: pytest.CaptureFixture[str]
) -> None:
    behave(KeyboardInterrupt())
    assert cli.main(["status", "x.py"]) == 130
    assert "stopped; the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "experiments/smoke.py"],
        ["run", "--debug", "experiments/smoke.py", "--set", "control.steps=3"],
        ["data", "list"],
        ["predict"],
    ],
)
def test_with_a_broken_library_every_verb_names_it_whatever_its_options(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "BROKEN", ImportError("libcudart.so.12 [cannot open]"))
    assert cli.main(words) == 1
    assert capsys.readouterr().err == (
        "error: a library cannot be imported (libcudart.so.12 [cannot open]): see posebridge "
        "doctor.\n"
    )


def test_with_a_broken_library_the_doctor_still_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "BROKEN", OSError("libcudart.so.12"))
    asked = cli.parser().parse_args(["doctor"])
    assert asked.verb is doctor.doctor
    offered = dict(_offered(cli.parser()))
    assert offered["doctor"] == OPTIONS["doctor"]
    assert set(offered) == {"", "doctor", *cli.NAMES}


@pytest.mark.parametrize("raised", ["ImportError", "OSError", "RuntimeError", "AttributeError"])
def test_a_library_that_cannot_be_loaded_is_noticed_and_does_not_end_the_command(
    raised: str,
) -> None:
    code = f"""
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "ray":
            raise {raised}("it does not fit [numpy]")

sys.meta_path.insert(0, Broken())
from posebridge.cli import main
sys.exit(main(["run", "x.py", "--debug"]))
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "a library cannot be imported (it does not fit [numpy])" in ended.stderr
    assert "Traceback" not in ended.stderr
