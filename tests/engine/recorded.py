"""A cluster that answers what it is told to, and keeps what it is asked."""

from collections.abc import AsyncIterator
from typing import Any

from ray.job_submission import JobDetails, JobStatus, JobSubmissionClient, JobType


def details(name: str, status: JobStatus, start_s: int = 0) -> JobDetails:
    """A job as Ray describes it."""
    return JobDetails(
        type=JobType.SUBMISSION,
        submission_id=name,
        status=status,
        entrypoint="posebridge run x.py",
        message=" it\nfailed ",
        start_time=1000 * start_s,
        driver_exit_code=3 if status is JobStatus.FAILED else None,
    )


class Recorded(JobSubmissionClient):
    """In place of Ray's; submitted jobs end at once in a state.

    Args:
        jobs: that are there already.
        log: what a job prints, piece by piece.
        breaks: how often a log breaks off after its first piece; as long, nobody answers.
        end: of what is submitted.
    """

    def __init__(
        self,
        jobs: list[JobDetails] | None = None,
        log: tuple[str, ...] = (),
        breaks: int = 0,
        end: JobStatus = JobStatus.SUCCEEDED,
    ) -> None:
        self.jobs = jobs or []
        self.log = log
        self.breaks = breaks
        self.end = end
        self.submitted: list[dict[str, Any]] = []

    def list_jobs(self) -> list[JobDetails]:
        return self.jobs

    def get_job_info(self, job_id: str) -> JobDetails:
        if self.breaks:
            raise ConnectionError
        return next(job for job in self.jobs if job.submission_id == job_id)

    def submit_job(self, **asked: Any) -> str:
        self.submitted.append(asked)
        self.jobs.append(details(asked["submission_id"], self.end))
        return str(asked["submission_id"])

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        for number, text in enumerate(self.log):
            if self.breaks and number == 1:
                self.breaks -= 1
                raise RuntimeError("closed unexpectedly")
            yield text
