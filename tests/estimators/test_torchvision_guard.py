"""The guard around torchvision, with torchvision's import replaced."""

import importlib
import sys
from collections.abc import Callable

import pytest
import torch

from posebridge.estimators.torchvision_guard import import_torchvision


def failing_once(error: Exception) -> Callable[[str], None]:
    """An import that raises `error` the first time and works the second time."""
    errors = [error]

    def import_module(name: str) -> None:
        assert name == "torchvision"
        if errors:
            raise errors.pop()

    return import_module


def test_timm_can_be_imported_behind_the_guard() -> None:
    import_torchvision()
    import_torchvision()
    assert importlib.import_module("timm").__version__


def test_missing_operators_are_declared_and_the_import_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = []
    monkeypatch.setattr(torch.library, "define", lambda name, schema: declared.append(name))
    missing = RuntimeError("operator torchvision::nms does not exist")
    monkeypatch.setattr(importlib, "import_module", failing_once(missing))
    others = {"torchvision.half_made": sys, "torchvisionary": sys}
    monkeypatch.setattr(sys, "modules", {**sys.modules, **others})
    import_torchvision()
    assert declared == ["torchvision::nms", "torchvision::qnms"]
    assert "torchvision.half_made" not in sys.modules
    assert "torchvisionary" in sys.modules


def test_any_other_error_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", failing_once(RuntimeError("no such CUDA")))
    with pytest.raises(RuntimeError, match="no such CUDA"):
        import_torchvision()
