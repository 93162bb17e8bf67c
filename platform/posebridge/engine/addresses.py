"""Which cluster a command means. Needs no Ray, so that a doctor can ask."""

from collections.abc import Mapping

ADDRESS_VARIABLES = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""What Ray follows rather than the address that it is given."""
JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it for the command of a job, and for nothing else."""


def address_of_job(environment: Mapping[str, str]) -> str | None:
    """Address of the cluster that runs this command as a job; None if none does.

    A RAY_ADDRESS alone is no job: somebody may have forgotten it there.
    """
    return environment.get("RAY_ADDRESS") if JOB_VARIABLE in environment else None
