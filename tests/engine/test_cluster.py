import os
from typing import Any

import pytest
import ray

from posebridge.engine.addresses import JOB_VARIABLE
from posebridge.engine.cluster import cluster

AUTH = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """How Ray was started; "over" once it was stopped. Nothing is."""
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(ray, "init", lambda **asked: told.append(asked))
    monkeypatch.setattr(ray, "shutdown", lambda: told.append({"over": True}))
    for name in AUTH:
        # So that what the cluster sets is unset again after the test.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return told


def test_without_an_address_a_private_cluster_lives_as_long_as_the_command(
    calls: list[dict[str, Any]],
) -> None:
    with cluster(None):
        (started,) = calls
    assert calls[1:] == [{"over": True}]
    assert started["address"] == "local"
    assert not started["include_dashboard"]


def test_a_private_cluster_has_a_token_that_nobody_else_knows(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = []
    for _ in range(2):
        with cluster(None):
            tokens.append(os.environ.get("RAY_AUTH_TOKEN", ""))
        monkeypatch.delenv("RAY_AUTH_TOKEN")
    assert [len(token) for token in tokens] == [64, 64]
    assert tokens[0] != tokens[1]
    # Ray turns to tokens by itself only where nothing is set.
    assert "RAY_AUTH_MODE" not in os.environ


def test_a_stage_of_two_threads_finds_its_place_on_one_core(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for cores, offered in ((1, 2), (None, 2), (16, 16)):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        with cluster(None):
            assert calls[-1]["num_cpus"] == offered


def test_an_address_is_joined_as_it_is(calls: list[dict[str, Any]]) -> None:
    with cluster("10.0.0.1:6379"):
        (started,) = calls
    assert started["address"] == "10.0.0.1:6379"
    assert "num_cpus" not in started
    assert set(AUTH) & set(os.environ) == set()


def test_what_a_user_has_set_is_kept(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in ("token", "disabled"):
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
        with cluster(None):
            assert os.environ["RAY_AUTH_MODE"] == mode
            assert "RAY_AUTH_TOKEN" not in os.environ


def test_ray_is_stopped_whatever_happens(calls: list[dict[str, Any]]) -> None:
    with pytest.raises(KeyboardInterrupt), cluster(None):
        raise KeyboardInterrupt
    assert calls[-1] == {"over": True}


def test_a_cluster_that_does_not_start_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise Exception("The node timed out\nduring startup.")  # noqa: TRY002 - as Ray does

    monkeypatch.setattr(ray, "init", fail)
    with (
        pytest.raises(ConnectionError, match=r"not: The node timed out during startup\. If"),
        cluster("10.0.0.1:6379"),
    ):
        pytest.fail("it started")


def test_the_command_of_a_job_joins_the_cluster_that_runs_it(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setenv(JOB_VARIABLE, "{}")
    with cluster(None):
        (started,) = calls
    assert started["address"] == "10.0.0.1:6379"


def test_an_address_that_somebody_forgot_in_the_environment_is_not_followed(
    calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    with cluster(None):
        assert calls[-1]["address"] == "local"


def test_ray_marks_the_command_of_a_job_as_we_believe() -> None:
    from ray._private.runtime_env.constants import RAY_JOB_CONFIG_JSON_ENV_VAR

    assert RAY_JOB_CONFIG_JSON_ENV_VAR == JOB_VARIABLE
