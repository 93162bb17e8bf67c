"""Jobs on a Ray cluster: the same command, run there on a copy of the tracked files.

A verb that is run again goes on from what is done, so relaunching is resuming.
"""

import asyncio
import hashlib
import logging
import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import requests

from posebridge.engine.addresses import ADDRESS_VARIABLES
from posebridge.engine.archive import Archive
from posebridge.engine.cluster import QUIET
from posebridge.engine.provenance import COMMIT_VARIABLE

# Ray reads what `cluster` sets when it is imported.
from ray.exceptions import AuthenticationError  # isort: skip
from ray.job_submission import JobDetails, JobSubmissionClient  # isort: skip

TALKATIVE = ("ray.dashboard.modules.dashboard_sdk", "ray.dashboard.modules.job.sdk")
LOST_SECONDS = 60.0
"""After so long without an answer, a cluster is taken for lost."""
POLL_SECONDS = 1.0
NOT_FOUND = 127
"""What a shell ends with when there is no such command."""


@dataclass(frozen=True)
class Job:
    """What became of something that was submitted.

    Attributes:
        name: unique on its cluster.
        command: as it runs there.
        state: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        has_ended: whether the state is final.
        started: seconds since 1970; None if it has not.
        ended: likewise.
        message: what the cluster says of it, in one line.
        exit_status: of the command; None if it has not ended by itself.
    """

    name: str
    command: str
    state: str
    has_ended: bool
    started: float | None
    ended: float | None
    message: str
    exit_status: int | None

    @property
    def status(self) -> int:
        """Exit status for whoever waits: 0 if it succeeded."""
        return 0 if self.state == "SUCCEEDED" else self.exit_status or 1

    def describe_end(self) -> str:
        """How it ended, and what to do, in one line."""
        if self.state == "SUCCEEDED":
            return f"{self.name} succeeded"
        if self.exit_status == NOT_FOUND:
            return (
                f"{self.name} failed: the cluster finds no command posebridge. Activate the "
                "environment that has it before ray start, on every node."
            )
        if self.exit_status is not None:
            return f"{self.name} failed with status {self.exit_status}; its log says why"
        return f"{self.name} {self.state.lower()}: {self.message}"


@dataclass
class _Once:
    """Hands on each character of a text once, however often it is told from its beginning."""

    write: Callable[[str], None]
    told: int = 0
    handed_on: int = 0

    def begin(self) -> None:
        self.told = 0

    def add(self, text: str) -> None:
        self.told += len(text)
        new = self.told - self.handed_on
        if new > 0:
            self.write(text[-new:])
            self.handed_on = self.told


@dataclass(frozen=True)
class Cluster:
    """The jobs of a cluster."""

    address: str
    client: JobSubmissionClient

    @classmethod
    def at(cls, address: str) -> "Cluster":
        """Reach a cluster.

        Args:
            address: URL of its dashboard.

        Raises:
            ValueError: if this is no URL.
            ConnectionError: if nobody answers, or the token is not the cluster's.
        """
        if not address.startswith(("http://", "https://")):
            raise ValueError(
                f"--address takes the URL of a Ray dashboard such as http://head:8265, but got "
                f"{address!r}."
            )
        for name in ADDRESS_VARIABLES:
            os.environ.pop(name, None)
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        with _explained(address):
            return cls(address, JobSubmissionClient(address))

    def jobs(self) -> list[Job]:
        """Everything that was submitted, the newest last."""
        with _explained(self.address):
            found = [details for details in self.client.list_jobs() if details.submission_id]
        return [_job(d) for d in sorted(found, key=lambda d: d.start_time or 0)]

    def job(self, name: str) -> Job:
        """What became of one job."""
        with _explained(self.address):
            return _job(self.client.get_job_info(name))

    def submit(self, archive: Archive, words: Sequence[str]) -> tuple[str, bool]:
        """Start a command on a copy of the tracked files, unless just this runs already.

        Args:
            archive: what the command works on.
            words: a verb of posebridge and its options.

        Returns:
            The job's name, and whether it is new.
        """
        stem = stem_of(archive, words)
        running, number = self._earlier(stem)
        if running:
            return running, False
        name = f"{stem}-{number}"
        try:
            self._start(archive, words, name)
        except RuntimeError:
            # Somebody else may have submitted just this in the meantime.
            running, _ = self._earlier(stem)
            if not running:
                raise
            return running, False
        return name, True

    def follow(self, name: str, write: Callable[[str], None]) -> Job:
        """Hand on what a job prints, until it has ended.

        Raises:
            ConnectionError: if the cluster has not answered for a minute.
        """
        log, heard = _Once(write), time.monotonic()
        while True:
            is_whole = self._hear(name, log)
            is_lost = time.monotonic() - heard > LOST_SECONDS
            try:
                job = self.job(name)
            except ConnectionError as error:
                if is_lost:
                    raise ConnectionError(
                        f"{self.address} has not answered for {LOST_SECONDS:.0f} s. A job ends "
                        "with its head: once there is one again, the same command goes on."
                    ) from error
            else:
                # The end of a log can be lost with the node that has it.
                if job.has_ended and (is_whole or is_lost):
                    return job
                heard = heard if job.has_ended else time.monotonic()
            time.sleep(POLL_SECONDS)

    def _hear(self, name: str, log: "_Once") -> bool:
        """Hand on a job's log while it is told; False if that broke off."""
        try:
            asyncio.run(self._tail(name, log))
        except (RuntimeError, aiohttp.ClientError, OSError):
            return False
        return True

    async def _tail(self, name: str, log: "_Once") -> None:
        log.begin()
        async for text in self.client.tail_job_logs(name):
            log.add(text)

    def _earlier(self, stem: str) -> tuple[str, int]:
        """The job that runs already, if one does, and the number of the next."""
        alike = [job for job in self.jobs() if job.name.rpartition("-")[0] == stem]
        running = next((job.name for job in alike if not job.has_ended), "")
        numbers = [int(job.name.rpartition("-")[2]) for job in alike]
        return running, max(numbers, default=0) + 1

    def _start(self, archive: Archive, words: Sequence[str], name: str) -> None:
        with _explained(self.address), tempfile.TemporaryDirectory() as folder:
            package = Path(folder, "tracked.zip")
            package.write_bytes(archive.content)
            self.client.submit_job(
                entrypoint=shlex.join(["posebridge", *words]),
                submission_id=name,
                runtime_env={
                    "working_dir": str(package),
                    "env_vars": environment(archive),
                },
            )


def environment(archive: Archive) -> dict[str, str]:
    """Variables of a job and of all its workers."""
    return {
        # Relative to the copy, where each of its processes starts: the code that was submitted
        # is found before one that is installed.
        "PYTHONPATH": "platform",
        COMMIT_VARIABLE: archive.commit,
        **QUIET,
    }


def stem_of(archive: Archive, words: Sequence[str]) -> str:
    """Name of all jobs that run this command on these files, but for their number."""
    asked = "\0".join([archive.digest, *words])
    return f"posebridge-{words[0]}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"


def _job(details: JobDetails) -> Job:
    return Job(
        name=str(details.submission_id),
        command=details.entrypoint,
        state=str(details.status.value),
        has_ended=details.status.is_terminal(),
        started=details.start_time / 1000 if details.start_time else None,
        ended=details.end_time / 1000 if details.end_time else None,
        message=" ".join((details.message or "").split()),
        exit_status=details.driver_exit_code,
    )


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Say what to do where a cluster does not answer, or does not let one in."""
    try:
        yield
    except AuthenticationError as error:
        raise ConnectionError(
            f"{address} asks for its token, but got "
            f"{'another' if 'failed' in error.message else 'none'}: set RAY_AUTH_MODE=token, and "
            "RAY_AUTH_TOKEN_PATH to a file that holds the one with which the cluster was started."
        ) from error
    except (ConnectionError, requests.exceptions.RequestException) as error:
        raise ConnectionError(
            f"no Ray dashboard answers at {address}: is the cluster up, and its port (8265) "
            f"reachable from here? ({type(error).__name__})"
        ) from error
