"""Code that decides a result may not change under the same version.

Stages are found by a key in which a method and an estimator count with their path, version and
fields, a rendered population with the version of the renderer, and what lies between shards and
weights with the version of training; measurements by one with the version of evaluation. So a
change of the code without a new version would let a stale artifact pass for a fresh one.
`method_digests.json` keeps a digest of the code beside each version; comments, docstrings and
layout do not count.

    python tests/contracts/test_method_digests.py --write              after raising a version
    python tests/contracts/test_method_digests.py --write --harmless   where no result can change
"""

import argparse
import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from posebridge.engine.evaluate import VERSION as EVALUATION_VERSION
from posebridge.engine.label_free import VERSION as LABEL_FREE_VERSION
from posebridge.estimators import all_architectures
from posebridge.methods import all_methods
from posebridge.populations.base import SYNTHESIS_VERSION
from posebridge.stages import TRAINING_VERSION

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "platform"
DIGESTS = Path(__file__).with_name("method_digests.json")
COMMAND = "python tests/contracts/test_method_digests.py --write"
LEARNING = (
    "losses",
    "heatmaps",
    "warps",
    "occlusion",
    "geometry",
    "ema",
    "networks",
    "methods.base",
)
"""Modules of posebridge that decide what a method learns, if it imports them."""
ESTIMATING = ("estimators", "heatmaps")
"""Modules that decide what an estimator gives, if its own imports them."""
RENDERER, TRAINING, EVALUATION = "renderer", "training", "evaluation"
LABEL_FREE = "label-free evaluation"
RENDERED = (
    "adult",
    "crowd",
    "elder",
    "embedded",
    "infant_clips",
    "infant_knobs",
    "infant_real",
    "infant_synthetic",
    "low_light",
    "photographs",
    "toddler",
    "wheelchair",
)
TRAINED = (
    "populations.crops",
    "populations.views",
    "engine.data",
    "engine.group",
    "engine.reading",
    "engine.sharing",
    "engine.train",
)
MEASURED = (
    "populations.crops",
    "engine.evaluate",
    "engine.predictors",
    "engine.scoring",
    "metrics.errors",
    "metrics.floors",
    "metrics.oks",
    "metrics.pck",
)
LOOKED_AT = (
    "populations.crops",
    "populations.views",
    "engine.answers",
    "engine.label_free",
    "metrics.errors",
    "metrics.label_free",
    "metrics.pose_prior",
)
PLACES = {
    RENDERER: "SYNTHESIS_VERSION in populations/base.py",
    TRAINING: "TRAINING_VERSION in stages.py",
    EVALUATION: "VERSION in engine/evaluate.py",
    LABEL_FREE: "VERSION in engine/label_free.py",
}


@dataclass(frozen=True)
class Code:
    """What is guarded: a version, and a digest of the code it stands for."""

    version: int
    digest: str


@cache
def current() -> dict[str, Code]:
    """The code as it is now, by name."""
    methods = {
        name_of(kind): Code(kind.version, digest_behind(kind, LEARNING)) for kind in all_methods()
    }
    # One without a version is at its first.
    estimators = {
        name_of(kind): Code(getattr(kind, "version", 1), digest_behind(kind, ESTIMATING))
        for kind in all_architectures()
    }
    return (
        methods
        | estimators
        | {
            RENDERER: Code(SYNTHESIS_VERSION, renderer_digest()),
            TRAINING: Code(TRAINING_VERSION, digest_of([f"posebridge.{n}" for n in TRAINED])),
            EVALUATION: Code(EVALUATION_VERSION, digest_of([f"posebridge.{n}" for n in MEASURED])),
            LABEL_FREE: Code(
                LABEL_FREE_VERSION, digest_of([f"posebridge.{n}" for n in LOOKED_AT])
            ),
        }
    )


def stored() -> dict[str, Code]:
    """The code as it was when the digests were written."""
    content = json.loads(DIGESTS.read_text()) if DIGESTS.is_file() else {}
    return {name: Code(**entry) for name, entry in content.items()}


def problem(name: str, now: Code, before: Code | None) -> str | None:
    """What is wrong with some code, and what to do; None if nothing is."""
    where = PLACES.get(name, "its `version`")
    if before is None:
        return f"{name} is not in {DIGESTS.name}: run `{COMMAND}`."
    if now == before:
        return None
    if now.version > before.version:
        return f"{name} has a new version: run `{COMMAND}`."
    if now.version < before.version:
        return f"{name} went back from version {before.version}: raise {where} above it."
    return (
        f"the code behind {name} has changed, so its stored artifacts are stale: raise {where} "
        f"and run `{COMMAND}` (with --harmless instead, if no result can change by a bit)."
    )


def name_of(kind: type) -> str:
    """Path of a class."""
    return f"{kind.__module__}:{kind.__qualname__}"


def digest_behind(kind: type, counted: Sequence[str]) -> str:
    """Digest of the module of a class, and of the modules behind it that count."""
    return digest_of(sorted(modules_behind(kind.__module__, counted)))


def renderer_digest() -> str:
    """Digest of all that decides the pixels of a rendered population."""
    synthesis = SOURCE / "posebridge" / "synthesis"
    modules = [f"posebridge.populations.{name}" for name in RENDERED]
    # The body is baked beforehand: what matters is what came out.
    modules += [
        f"posebridge.synthesis.{file.stem}"
        for file in sorted(synthesis.glob("*.py"))
        if not file.stem.startswith("bake")
    ]
    data = [file for file in sorted((synthesis / "data").rglob("*")) if file.is_file()]
    return digest_of(modules, data)


def modules_behind(module: str, counted: Sequence[str]) -> set[str]:
    """A module and those that count among what it imports, and they import, and so on."""
    prefixes = tuple(f"posebridge.{name}" for name in counted)
    found, waiting = set[str](), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [other for other in imports_of(name) if other.startswith(prefixes)]
    return found


def imports_of(module: str) -> Iterator[str]:
    """Modules of posebridge that a module imports."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [str(node.module), *inner]
        else:
            continue
        yield from (name for name in names if file_of(name).is_file())


def file_of(module: str) -> Path:
    """Where the code of a module is."""
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def parsed(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(file_of(module).read_text())


def digest_of(modules: list[str], data: list[Path] | None = None) -> str:
    """Digest of the meaning of some modules, and of the bytes of some files."""
    found = hashlib.sha256()
    for module in modules:
        found.update(f"{module}\n{meaning(parsed(module))}\n".encode())
    for file in data or []:
        found.update(f"{file.name}\n".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def meaning(node: object) -> str:
    """A syntax tree as text, without positions, comments and docstrings.

    Written out here, because `ast.dump` gives another text in every version of Python.
    """
    if isinstance(node, list):
        return "[" + ",".join(meaning(item) for item in node if not _is_text(item)) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    inner = ",".join(f"{name}={meaning(value)}" for name, value in sorted(fields))
    return f"{type(node).__name__}({inner})"


def _is_text(node: object) -> bool:
    """Whether a statement is a docstring, of whatever it stands under."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@pytest.mark.parametrize("name", current())
def test_code_that_decides_a_result_has_not_changed_under_the_same_version(name: str) -> None:
    found = problem(name, current()[name], stored().get(name))
    assert found is None, found


def test_what_is_no_longer_there_is_not_listed() -> None:
    gone = stored().keys() - current().keys()
    assert not gone, f"{sorted(gone)} are gone: run `{COMMAND}`."


def test_a_method_is_guarded_with_the_losses_it_learns_by() -> None:
    behind = modules_behind("posebridge.methods.mean_teacher", LEARNING)
    assert "posebridge.methods.mean_teacher" in behind
    assert "posebridge.losses.consistency" in behind
    assert "posebridge.heatmaps" in behind
    assert "posebridge.occlusion" in behind
    assert "posebridge.methods.supervised" not in behind
    assert not any(name.startswith("posebridge.populations") for name in behind)


def test_an_estimator_is_guarded_with_its_decoder() -> None:
    behind = modules_behind("posebridge.estimators.movenet", ESTIMATING)
    assert "posebridge.heatmaps" in behind
    assert "posebridge.estimators.base" in behind


def test_whatever_a_method_imports_is_guarded_somewhere() -> None:
    """All but what only holds data or declares what a search may change."""
    plain = ("batch", "skeletons", "search_space", "estimators")
    guarded = (*LEARNING, *TRAINED, *plain)
    for kind in all_methods():
        for name in imports_of(kind.__module__):
            assert name.removeprefix("posebridge.").startswith(guarded), name


def test_comments_docstrings_and_layout_do_not_count() -> None:
    plain = "x = 1\ndef f(a):\n    return a + x\n"
    explained = '"""About."""\nx = 1  # one\n"""Of x."""\n\n\ndef f(a):\n    """Add."""\n' + (
        "    return (\n        a + x\n    )\n"
    )
    changed = "x = 1\ndef f(a):\n    return a - x\n"
    assert meaning(ast.parse(plain)) == meaning(ast.parse(explained))
    assert meaning(ast.parse(plain)) != meaning(ast.parse(changed))


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (Code(2, "a"), None),
        (Code(2, "b"), "its stored artifacts are stale: raise its `version` and run `python"),
        (Code(3, "b"), "has a new version: run `python tests/contracts/test_method_digests.py"),
        (Code(1, "b"), "went back from version 2: raise its `version` above it"),
    ],
)
def test_a_change_says_what_to_do(now: Code, message: str | None) -> None:
    found = problem("m:Method", now, Code(2, "a"))
    assert found is None if message is None else message in str(found)
    assert "is not in method_digests.json" in str(problem("m:Method", now, None))
    assert "raise SYNTHESIS_VERSION" in str(problem(RENDERER, Code(2, "b"), Code(2, "a")))
    assert "raise TRAINING_VERSION" in str(problem(TRAINING, Code(2, "b"), Code(2, "a")))


def main() -> int:
    """Write the digests anew."""
    parser = argparse.ArgumentParser(description="Digests of code that decides results.")
    parser.add_argument("--write", action="store_true", required=True)
    parser.add_argument("--harmless", action="store_true", help="no result can change by a bit")
    asked = parser.parse_args()
    now, before = current(), stored()
    stale = [
        name
        for name, code in now.items()
        if name in before and code != before[name] and code.version <= before[name].version
    ]
    if stale and not asked.harmless:
        print("\n".join(str(problem(name, now[name], before[name])) for name in stale))
        return 1
    content = {name: vars(code) for name, code in sorted(now.items())}
    DIGESTS.write_text(json.dumps(content, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
