"""Whether the libraries are there, fit each other, and have what they need."""

from posebridge.engine.doctor.findings import Finding, State, Tried, ok

OLDEST_PYTHON = (3, 11)
TORCH = "2.13"
RAY = "2.60"


def check_python(version: tuple[int, int, int]) -> Finding:
    """Python is new enough."""
    found = ".".join(str(part) for part in version)
    if version[:2] < OLDEST_PYTHON:
        return Finding("Python", State.FAIL, found, "install Python 3.11 or newer")
    return ok("Python", found)


def check_library(name: str, tried: Tried, *, wanted: str) -> Finding:
    """A library can be imported, in the version that was tested.

    Args:
        name: as it is installed.
        tried: to import it; found its version.
        wanted: beginning of the version.
    """
    requirement = f"pip install '{name}=={wanted}.*'"
    if tried.error:
        return Finding(name, State.FAIL, tried.error, requirement)
    if not f"{tried.found}.".startswith(f"{wanted}."):
        return Finding(name, State.WARN, f"{tried.found}, tested with {wanted}", requirement)
    return ok(name, tried.found)


def check_guard(tried: Tried) -> Finding:
    """`timm`, and torchvision behind its guard, can be imported."""
    if tried.error:
        cure = "pip install --force-reinstall 'torchvision>=0.28,<0.29' 'timm==1.0.31'"
        return Finding("timm and torchvision", State.FAIL, tried.error, cure)
    return ok("timm and torchvision", tried.found)


def check_extras(tried: Tried) -> Finding:
    """Ray has what its dashboard, its jobs and its State API are made of."""
    if tried.error:
        cure = f"pip install 'ray[default]=={RAY}.*'"
        return Finding("ray[default]", State.FAIL, tried.error, cure)
    return ok("ray[default]", tried.found)


def check_weights(tried: Tried) -> Finding:
    """The shipped weights are whole."""
    if tried.error:
        cure = "install posebridge again (pip install --force-reinstall posebridge)"
        return Finding("shipped weights", State.FAIL, tried.error, cure)
    return ok("shipped weights", tried.found)


def check_kernels(tried: Tried) -> Finding:
    """The compiled kernels of the renderer can be kept."""
    if tried.error:
        cure = "set NUMBA_CACHE_DIR to a folder that you may write to"
        return Finding("cache of compiled kernels", State.FAIL, tried.error, cure)
    return ok("cache of compiled kernels", tried.found)
