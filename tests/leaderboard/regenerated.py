"""A published page, made again from what lies beside it and from the experiment's declaration."""

from pathlib import Path

from posebridge.experiment import Experiment
from posebridge.leaderboard import keypoint_groups, leaderboard, people_reader, render_markdown
from posebridge.records import read_records


def regenerated(published: Path, experiment: Experiment) -> str:
    """The Markdown that a folder of published records gives."""
    file = published / "records" / f"{experiment.name}.jsonl"
    records, half_lines = read_records(file)
    people = people_reader(file)
    systems = {system.name: system.role for system in experiment.systems}
    headline = experiment.targets[0]
    board = leaderboard(
        records,
        people,
        systems=systems,
        populations=[target.label for target in experiment.targets],
        half_lines=half_lines,
    )
    groups = keypoint_groups(
        records,
        people,
        population=headline.label,
        skeleton=experiment.skeleton,
        systems=systems,
    )
    return "\n".join(render_markdown(table) for table in (board, groups))
