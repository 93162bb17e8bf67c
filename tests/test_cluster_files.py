"""The files of cluster/ against the definitions of those who read them."""

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import ray.autoscaler
import yaml
from packaging.requirements import Requirement

from posebridge.engine.cluster import QUIET

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "cluster"
KUBERAY = CLUSTER / "kuberay"
SCRIPTS = ("local.sh", "slurm.sh")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"posebridge:{PROJECT['version']}"
ASKED = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["s3"]
WANTED = {one.name: one for one in map(Requirement, ASKED)}
RAY = next(iter(WANTED["ray"].specifier)).version
PINNED = {
    one.name: one
    for one in map(
        Requirement,
        re.findall(r"^[^#\n]+$", (CLUSTER / "requirements.txt").read_text(), re.MULTILINE),
    )
}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def definition(name: str) -> dict[str, Any]:
    """KubeRay's own schema of version v1, which knows no other fields."""
    packed = (KUBERAY / "crds" / f"ray.io_{name}.yaml.gz").read_bytes()
    unpacked = gzip.decompress(packed)
    assert hashlib.sha256(unpacked).hexdigest() in (KUBERAY / "crds" / "README.md").read_text()
    versions = yaml.load(unpacked, getattr(yaml, "CSafeLoader", yaml.SafeLoader))["spec"][
        "versions"
    ]
    (schema,) = (v["schema"]["openAPIV3Schema"] for v in versions if v["name"] == "v1")
    closed: dict[str, Any] = strict(schema)
    return closed


def strict(schema: Any) -> Any:
    """The schema, refusing fields that Kubernetes would silently drop.

    Structural schemas say int-or-string by an extension of their own.
    """
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if closed.pop("x-kubernetes-int-or-string", False) is True:
        return {"type": ["integer", "string"]}
    if isinstance(closed.get("properties"), dict) and "type" in schema:
        open_ended = "x-kubernetes-preserve-unknown-fields" in schema
        closed.setdefault("additionalProperties", open_ended or not schema["properties"])
    return closed


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    return {"cluster.yaml": definition("rayclusters"), "job.yaml": definition("rayjobs")}


@pytest.mark.parametrize("name", ["cluster.yaml", "job.yaml"])
def test_kuberay_takes_our_files(name: str, definitions: dict[str, Any]) -> None:
    jsonschema.validate(load(KUBERAY / name), definitions[name])


SPOILS = [
    (("spec", "rayVersoin"), "2.60.0", "rayVersoin"),
    (("spec", "headGroupSpec", "rayStartParams"), None, "None is not of type 'object'"),
    (("spec", "headGroupSpec", "template", "spec", "containers", 0, "imagee"), "x", "imagee"),
    (("spec", "workerGroupSpecs", 0, "replicas"), "two", "'two' is not of type 'integer'"),
]


@pytest.mark.parametrize(("path", "value", "told"), SPOILS)
def test_the_check_notices_what_kuberay_would_not_take(
    path: tuple[Any, ...], value: Any, told: str, definitions: dict[str, Any]
) -> None:
    spoilt = load(KUBERAY / "cluster.yaml")
    place = spoilt
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError, match=told):
        jsonschema.validate(spoilt, definitions["cluster.yaml"])


def test_the_job_has_the_standing_cluster_word_for_word() -> None:
    job, cluster = load(KUBERAY / "job.yaml"), load(KUBERAY / "cluster.yaml")
    assert job["spec"]["rayClusterSpec"] == cluster["spec"]


def test_ray_is_that_of_the_project() -> None:
    assert load(KUBERAY / "cluster.yaml")["spec"]["rayVersion"] == RAY
    assert str(PINNED["ray"].specifier) == f"=={RAY}"


def test_every_file_names_the_image_of_this_version() -> None:
    for path in (KUBERAY / "cluster.yaml", KUBERAY / "job.yaml", CLUSTER / "vms.yaml"):
        images = re.findall(r"image: (\S+)", path.read_text())
        assert set(images) == {IMAGE}, path
    assert f"--tag {IMAGE}" in (CLUSTER / "Dockerfile").read_text()


def test_the_job_and_its_workers_are_quiet() -> None:
    environment = yaml.safe_load(load(KUBERAY / "job.yaml")["spec"]["runtimeEnvYAML"])
    assert environment == {"env_vars": dict(QUIET)}


def test_what_a_pod_runs_is_in_the_image() -> None:
    words = load(KUBERAY / "job.yaml")["spec"]["entrypoint"].split()
    recipe = (CLUSTER / "Dockerfile").read_text()
    workdir = re.findall(r"^WORKDIR (\S+)$", recipe, re.MULTILINE)[-1]
    assert words[:2] == ["posebridge", "run"]
    assert (ROOT / Path(words[2]).relative_to(workdir)).is_file()
    assert "COPY --chown=posebridge experiments experiments" in recipe


def test_the_image_is_not_run_by_root() -> None:
    recipe = (CLUSTER / "Dockerfile").read_text()
    (user,) = re.findall(r"useradd .*--uid (\d+) (\w+)", recipe)
    assert re.findall(r"^USER (\S+)$", recipe, re.MULTILINE) == [user[1]]
    for group in ("headGroupSpec", "workerGroupSpecs"):
        spec = load(KUBERAY / "cluster.yaml")["spec"][group]
        pod = (spec if isinstance(spec, dict) else spec[0])["template"]["spec"]
        assert pod["securityContext"]["runAsUser"] == int(user[0])


def test_whatever_the_image_copies_is_there() -> None:
    recipe = (CLUSTER / "Dockerfile").read_text()
    for sources in re.findall(r"^COPY \S+ (.+) \S+$", recipe, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source


def test_the_image_has_every_library_in_one_version_that_the_project_allows() -> None:
    assert set(WANTED) == set(PINNED)
    for name, pin in PINNED.items():
        (only,) = pin.specifier
        assert only.operator == "=="
        assert only.version in WANTED[name].specifier, name
        assert pin.extras == WANTED[name].extras


def test_ray_takes_our_file_of_machines() -> None:
    schema = json.loads(Path(ray.autoscaler.__file__).with_name("ray-schema.json").read_text())
    machines = load(CLUSTER / "vms.yaml")
    jsonschema.validate(machines, schema)
    with pytest.raises(jsonschema.ValidationError, match="head_start"):
        jsonschema.validate({**machines, "head_start": []}, schema)


@pytest.mark.parametrize("name", ["kuberay/cluster.yaml", "kuberay/job.yaml", "vms.yaml"])
def test_no_cluster_is_open_to_whoever_finds_it(name: str) -> None:
    text = (CLUSTER / name).read_text()
    assert "mode: token" in text or "RAY_AUTH_MODE=token" in text
    assert "--dashboard-host=0.0.0.0" not in text


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_no_slip(name: str) -> None:
    checker = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert checker is not None, "pip install -e '.[dev]'"
    checked = subprocess.run(
        [checker, str(CLUSTER / name)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_starts_ray_with_a_token_and_stops_nobody_elses(name: str) -> None:
    code = "\n".join(
        line for line in (CLUSTER / name).read_text().splitlines() if not line.startswith("#")
    )
    assert "RAY_AUTH_MODE=token" in code
    assert "umask 077" in code
    assert "ray stop" not in code
    assert "ray start --block" in code.replace("\\\n", "")


def test_slurm_is_told_how_without_arguments() -> None:
    told = subprocess.run(
        ["bash", str(CLUSTER / "slurm.sh")], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stderr) == (
        2,
        "usage: sbatch cluster/slurm.sh experiments/x.py --store /shared/folder\n",
    )


def test_the_page_names_every_file() -> None:
    page = (CLUSTER / "README.md").read_text()
    files = [p for p in CLUSTER.rglob("*") if p.is_file() and "crds" not in p.parts]
    missing = [p.name for p in files if p.name != "README.md" and p.name not in page]
    assert missing == []
