"""Rules of the house that no other test would notice being broken."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "platform" / "posebridge"
MODULES = sorted(SOURCE.rglob("*.py"))

# Which packages a library may be imported in; "" is the whole of posebridge.
OWNERS = {
    "ray": ("engine",),
    "optuna": ("search_space.py", "engine/tune/"),
    "anny": ("synthesis/bake.py",),
}
MAX_LINES = 400
ATTICS = {"utils", "util", "helpers", "misc", "common"}


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Names that a file imports, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{node.module}", node.lineno


def place(path: Path) -> str:
    """A file's path in the package."""
    return path.relative_to(SOURCE).as_posix()


def test_the_source_root_does_not_shadow_the_standard_library() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "import platform, uuid; print(platform.__file__)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not Path(shown.stdout.strip()).is_relative_to(ROOT / "platform")
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_no_test_lies_below_the_source_root() -> None:
    names = ("conftest.py", "test_*.py", "*_test.py")
    assert [path for name in names for path in (ROOT / "platform").rglob(name)] == []


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    strangers = [
        f"{place(path)}:{line}"
        for path in MODULES
        if not place(path).startswith(OWNERS[library])
        for name, line in imported(path)
        if name.split(".")[0] == library
    ]
    assert strangers == []


@pytest.mark.parametrize("part", ["leaderboard", "records.py", "synthesis", "selection.py"])
def test_the_light_parts_import_neither_torch_nor_ray(part: str) -> None:
    heavy = [
        f"{place(path)}:{line}"
        for path in MODULES
        if place(path).startswith(part)
        for name, line in imported(path)
        if name.split(".")[0] in ("torch", "torchvision", "timm", "ray")
    ]
    assert heavy == []


def test_a_leaderboard_is_made_without_torch_or_ray() -> None:
    code = (
        "import sys, posebridge.leaderboard; "
        "print([n for n in ('torch', 'ray') if n in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys; n = len(sys.modules); import posebridge; print(len(sys.modules) - n)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(shown.stdout) <= 1


def test_a_method_never_imports_another_method() -> None:
    methods = [path for path in MODULES if place(path).startswith("methods/")]
    names = {path.stem for path in methods} - {"__init__", "base"}
    crossed = [
        f"{place(path)}:{line}"
        for path in methods
        for name, line in imported(path)
        if name.startswith("posebridge.methods.") and name.split(".")[2] in names
    ]
    assert crossed == []


def test_experiments_are_imported_by_nothing() -> None:
    importers = [
        f"{place(path)}:{line}"
        for path in MODULES
        for name, line in imported(path)
        if name.split(".")[0] in ("experiments", "tests")
    ]
    assert importers == []


def test_there_is_no_attic() -> None:
    assert [place(path) for path in MODULES if path.stem in ATTICS] == []


def test_every_package_says_what_it_is() -> None:
    folders = {path.parent for path in MODULES}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_files_stay_readable() -> None:
    lengths = {place(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: n for name, n in lengths.items() if n > MAX_LINES} == {}


@pytest.mark.parametrize("smell", ["hasattr(", "except:", "inspect.signature"])
def test_refused_smells_are_absent(smell: str) -> None:
    assert [place(path) for path in MODULES if smell in path.read_text()] == []


def test_every_module_stands_in_a_layer() -> None:
    """Otherwise import-linter would not look at it."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = " ".join(next(c["layers"] for c in contracts if c["id"] == "layers"))
    tops = {place(path).split("/")[0].removesuffix(".py") for path in MODULES} - {"__init__"}
    assert {top for top in tops if f"posebridge.{top})" not in layers} == set()


def test_nothing_of_the_project_names_a_place_of_one_machine() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.toml", "*.md", "*.sh", "Makefile", ".ci"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    places = ["/".join(("", *parts)) for parts in (("work", ""), ("root", ""), ("home", ""))]
    found = [
        f"{name}: {where}"
        for name in names
        for where in places
        if (ROOT / name).is_file() and where in (ROOT / name).read_text()
    ]
    assert found == []
