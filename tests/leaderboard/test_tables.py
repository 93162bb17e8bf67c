"""Tables of the golden store: what they show, and the bytes in which they show it."""

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from posebridge.leaderboard import (
    People,
    PeopleReader,
    Table,
    keypoint_groups,
    leaderboard,
    people_reader,
    render_csv,
    render_markdown,
    render_terminal,
)
from posebridge.leaderboard.tables import Block, Cell, Row
from posebridge.records import Record, Score, read_records
from posebridge.skeletons import COCO17, CROWDPOSE14

DECLARED = {
    "published": "source-only",
    "control": "control",
    "mean_teacher": "adapted",
    "not_run_yet": "adapted",
    "oracle": "oracle",
}


@pytest.fixture
def table(records: list[Record], reader: PeopleReader) -> Table:
    return leaderboard(
        records, reader, systems=DECLARED, populations=("infant-real", "adult"), half_lines=1
    )


def cell(block: Block, system: str, column: str) -> Cell:
    return row(block, system).cells[block.columns.index(column)]


def row(block: Block, system: str) -> Row:
    return next(row for row in block.rows if row.system == system)


def in_terminal(table: Table) -> str:
    console = Console(file=io.StringIO(), width=110, force_terminal=False)
    with console.capture() as shown:
        console.print(render_terminal(table))
    return "\n".join(line.rstrip() for line in shown.get().splitlines()) + "\n"


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("leaderboard.md", render_markdown),
        ("leaderboard.csv", render_csv),
        ("leaderboard.txt", in_terminal),
    ],
)
def test_the_golden_store_gives_the_golden_tables(
    table: Table,
    golden: Path,
    request: pytest.FixtureRequest,
    name: str,
    render: Callable[[Table], str],
) -> None:
    expected = golden.parent / name
    if request.config.getoption("--rewrite-golden"):
        expected.write_text(render(table))
    assert render(table) == expected.read_text()


def test_half_a_line_of_the_golden_store_is_counted(golden: Path) -> None:
    assert read_records(golden)[1] == 1


def test_a_table_says_which_rows_were_tested_with_the_mirror_image(
    records: list[Record], reader: PeopleReader, table: Table
) -> None:
    assert not any("mirror" in line for line in table.above)
    shifted = {"oracle": True, "control": False, "mean_teacher": False}
    changed = [
        dataclasses.replace(r, estimator=r.estimator | {"flip_test": {"shift": shifted[r.system]}})
        if r.system in shifted
        else r
        for r in records
    ]
    above = leaderboard(changed, reader).above
    assert above[-2:] == (
        "Flip test: image and mirror image (control, mean_teacher).",
        "Flip test: image and mirror image, its maps moved by a cell (oracle).",
    )


def test_scores_are_the_means_of_the_records(table: Table, records: list[Record]) -> None:
    values = [
        record.scores["pck_box"].value
        for record in records
        if record.system == "mean_teacher" and record.population == "infant-real"
    ]
    interval = cell(table.blocks[0], "mean_teacher", "infant-real").interval
    assert interval is not None
    assert interval.estimate == pytest.approx(np.mean(values))
    assert interval.num_seeds == 3


def test_rows_stand_in_the_order_of_roles_then_of_declaration(table: Table) -> None:
    assert [row.system for row in table.blocks[0].rows] == ["mean pose", *DECLARED]


def test_without_a_declaration_rows_stand_as_they_were_recorded(
    records: list[Record], reader: PeopleReader
) -> None:
    rows = leaderboard(records, reader).blocks[0].rows
    assert [row.system for row in rows] == [
        "mean pose",
        "published",
        "control",
        "mean_teacher",
        "oracle",
    ]


def test_the_oracle_never_ranks_and_stands_last(table: Table) -> None:
    scores = table.blocks[0]
    best = [(row.system, c.is_best) for row in scores.rows for c in row.cells[:1]]
    oracle = cell(scores, "oracle", "infant-real").interval
    winner = cell(scores, "mean_teacher", "infant-real").interval
    assert oracle is not None
    assert winner is not None
    assert oracle.estimate > winner.estimate
    assert [system for system, is_best in best if is_best] == ["mean_teacher"]
    assert scores.rows[-1].system == "oracle"


def test_a_row_that_read_labels_of_the_target_stands_apart_whatever_its_role(
    records: list[Record], reader: PeopleReader
) -> None:
    told = [
        dataclasses.replace(r, uses_target_labels=True) if r.system == "mean_teacher" else r
        for r in records
    ]
    table = leaderboard(told, reader, populations=("infant-real",))
    assert not row(table.blocks[0], "mean_teacher").ranked
    assert [r.system for r in table.blocks[0].rows][-2:] == ["mean_teacher", "oracle"]
    assert not any(line.startswith("mean_teacher against") for line in table.below)


def test_labels_of_another_population_do_not_set_a_row_apart_and_are_marked(
    table: Table,
) -> None:
    """Adults are what the control is trained on: its score there is told, and takes no prize."""
    scores = table.blocks[0]
    assert row(scores, "control").ranked
    assert cell(scores, "control", "adult").is_told
    assert not cell(scores, "control", "infant-real").is_told
    assert not any(row.cells[1].is_best for row in scores.rows)
    assert "† ±" in render_markdown(table)


def test_equal_scores_are_equally_best(records: list[Record], reader: PeopleReader) -> None:
    control = {(r.population, r.seed): r for r in records if r.system == "control"}
    twin = [
        dataclasses.replace(control[r.population, r.seed], system=r.system, role=r.role)
        if r.system == "mean_teacher"
        else r
        for r in records
    ]
    rows = leaderboard(twin, reader).blocks[0].rows
    assert [row.system for row in rows if row.cells[0].is_best] == ["control", "mean_teacher"]


def test_what_was_not_measured_is_missing_and_not_dropped(table: Table) -> None:
    assert cell(table.blocks[0], "oracle", "adult").interval is None
    assert row(table.blocks[0], "not_run_yet").cells == (Cell(), Cell())
    assert "| not_run_yet | adapted | — | — | — | — |" in render_markdown(table)


def test_a_declared_population_without_records_is_a_column_of_dashes(
    records: list[Record], reader: PeopleReader
) -> None:
    table = leaderboard(records, reader, populations=("infant-real", "adult", "crowd"))
    assert table.blocks[0].columns == ("infant-real", "adult", "crowd")
    assert all(row.cells[2] == Cell() for row in table.blocks[0].rows)
    assert "crowd: not measured." in table.below


def test_differences_are_from_the_control_and_then_from_source_only(table: Table) -> None:
    assert [block.baseline for block in table.blocks] == ["", "control", "published"]
    assert [row.system for row in table.blocks[1].rows] == [
        "published",
        "mean_teacher",
        "not_run_yet",
        "oracle",
    ]


def test_without_a_control_source_only_is_the_baseline(
    records: list[Record], reader: PeopleReader
) -> None:
    table = leaderboard([r for r in records if r.role != "control"], reader)
    assert [block.baseline for block in table.blocks] == ["", "published"]
    assert any(line.startswith("mean_teacher against published") for line in table.below)


def test_adaptation_is_claimed_only_where_the_interval_lies_above_zero(table: Table) -> None:
    claims = {
        column: next(
            line
            for line in table.below
            if line.startswith(f"mean_teacher against control on {column}")
        )
        for column in ("infant-real", "adult")
    }
    for column, claimed in claims.items():
        interval = cell(table.blocks[1], "mean_teacher", column).interval
        assert interval is not None
        assert (": better," in claimed) == (interval.low > 0)
    assert ": better," in claims["infant-real"]
    assert "no difference shown" in claims["adult"]


def test_a_system_that_no_seed_changes_has_one_run_and_an_interval_over_people(
    table: Table,
) -> None:
    interval = cell(table.blocks[0], "published", "infant-real").interval
    assert interval is not None
    assert (interval.num_seeds, interval.num_people) == (1, 12)
    assert interval.half_width > 0
    difference = cell(table.blocks[2], "mean_teacher", "infant-real").interval
    assert difference is not None
    assert difference.num_seeds == 3


def test_one_seed_is_said_to_be_one_seed(records: list[Record], reader: PeopleReader) -> None:
    table = leaderboard([r for r in records if r.seed == 0], reader)
    interval = cell(table.blocks[0], "mean_teacher", "infant-real").interval
    assert interval is not None
    assert (interval.num_seeds, interval.num_people) == (1, 12)
    assert any("says nothing about other seeds" in line for line in table.below)
    assert any("(one seed)" in line for line in table.below)


def test_without_per_person_errors_differences_are_missing_and_scores_are_not(
    records: list[Record],
) -> None:
    table = leaderboard(records, lambda path: None)
    interval = cell(table.blocks[0], "mean_teacher", "infant-real").interval
    assert interval is not None
    assert cell(table.blocks[1], "mean_teacher", "infant-real") == Cell()
    assert any("per-person errors" in line for line in table.below)


def test_errors_that_do_not_give_the_score_are_refused(
    records: list[Record], reader: PeopleReader
) -> None:
    wrong = dataclasses.replace(records[-1], scores={"pck_box": Score(1.0, 163)})
    with pytest.raises(ValueError, match="do not give its score, 1.0 of 163"):
        leaderboard([*records[:-1], wrong], reader)


def test_errors_of_other_people_are_refused_by_name(records: list[Record], golden: Path) -> None:
    strangers = tuple(f"stranger-{index}" for index in range(12))
    by_name = people_reader(golden)

    def reader(path: str) -> People | None:
        people = by_name(path)
        if people is None or not path.startswith("people/mean_teacher-infant-real"):
            return people
        return dataclasses.replace(people, ids=strangers)

    with pytest.raises(
        ValueError, match="mean_teacher and control on infant-real: .* 12 of 12 were measured"
    ):
        leaderboard(records, reader)


def test_a_run_without_a_score_is_left_out_and_said(
    records: list[Record], reader: PeopleReader
) -> None:
    lost = [
        dataclasses.replace(r, scores={"pck_box": Score(np.nan, 0)}, people="")
        if r.system == "mean_teacher" and r.seed == 1 and r.population == "adult"
        else r
        for r in records
    ]
    table = leaderboard(lost, reader)
    interval = cell(table.blocks[0], "mean_teacher", "adult").interval
    assert interval is not None
    assert interval.num_seeds == 2
    assert "mean_teacher on adult: 1 of 3 runs have no score; left out." in table.below


def test_the_same_population_made_otherwise_is_another_column(
    records: list[Record], reader: PeopleReader
) -> None:
    other = dataclasses.replace(records[0], population_fingerprint="0123456789abcdef")
    table = leaderboard([*records, other], reader)
    assert table.blocks[0].columns == ("infant-real @infant-r", "infant-real @01234567", "adult")


def test_a_later_record_replaces_an_earlier_one(
    records: list[Record], reader: PeopleReader
) -> None:
    first = next(r for r in records if r.system == "mean_teacher")
    wrong = dataclasses.replace(first, scores={"pck_box": Score(0.0, 1)})
    before = leaderboard(records, reader)
    after = leaderboard([wrong, *records], reader)
    assert render_csv(after) == render_csv(before)
    assert "Older records replaced by later ones: 2." in after.below


def test_systems_that_are_not_declared_any_more_are_named(
    records: list[Record], reader: PeopleReader
) -> None:
    table = leaderboard(records, reader, systems={"control": "control"})
    assert "Left out, not declared any more: mean_teacher, oracle, published." in table.below
    assert [row.system for row in table.blocks[0].rows] == ["mean pose", "control"]


def test_other_metrics_are_shown_on_request(records: list[Record], reader: PeopleReader) -> None:
    table = leaderboard(records, reader, metric="pck_head_visible")
    assert table.blocks[0].heading.startswith(
        "PCK@0.05 of the head's size, visible keypoints only"
    )


def test_nothing_to_show_says_what_to_do(reader: PeopleReader) -> None:
    with pytest.raises(ValueError, match="no record is of the test split: run the experiment"):
        leaderboard([], reader)


@pytest.mark.parametrize(
    ("field", "value", "names"),
    [("scale", "paper", "embedded, paper"), ("experiment", "other", "first_adaptation, other")],
)
def test_records_of_several_experiments_or_scales_are_not_mixed(
    records: list[Record], reader: PeopleReader, field: str, value: str, names: str
) -> None:
    changes: dict[str, Any] = {field: value}
    other = dataclasses.replace(records[0], **changes)
    with pytest.raises(ValueError, match=f"of one {field}, but got records of {names}"):
        leaderboard([*records, other], reader)


def test_records_of_another_split_do_not_count(
    records: list[Record], reader: PeopleReader
) -> None:
    other = dataclasses.replace(records[0], split="validation", scale="paper")
    with_other = leaderboard([*records, other], reader)
    assert render_markdown(with_other) == render_markdown(leaderboard(records, reader))


def test_groups_of_keypoints_add_up_to_the_whole(
    records: list[Record], reader: PeopleReader, table: Table
) -> None:
    groups = keypoint_groups(records, reader, population="infant-real", skeleton=COCO17)
    (block,) = groups.blocks
    assert block.columns == (*COCO17.groups, "all")
    whole = cell(table.blocks[0], "mean_teacher", "infant-real").interval
    assert cell(block, "mean_teacher", "all").interval == whole
    parts = [cell(block, "mean_teacher", name).interval for name in COCO17.groups]
    assert all(part is not None and 0.4 < part.estimate < 1 for part in parts)


def test_groups_of_a_population_that_was_not_measured_are_refused(
    records: list[Record], reader: PeopleReader
) -> None:
    with pytest.raises(ValueError, match="'crowd' was not measured; measured: adult, infant-real"):
        keypoint_groups(records, reader, population="crowd", skeleton=COCO17)


def test_groups_of_another_skeleton_are_refused(
    records: list[Record], reader: PeopleReader
) -> None:
    with pytest.raises(ValueError, match="has 14 keypoints, but got errors of 17"):
        keypoint_groups(records, reader, population="adult", skeleton=CROWDPOSE14)
