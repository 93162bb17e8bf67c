"""`submit` and `jobs`: any verb on a Ray cluster, and what became of it."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from posebridge.engine.archive import pack
from posebridge.engine.jobs import Cluster, Job

Understand = Callable[[Sequence[str]], argparse.Namespace]
INTERRUPTED = 130


def add_submit(added: argparse.ArgumentParser) -> None:
    """Where to, and what."""
    added.add_argument("--address", required=True, help="URL of the dashboard, http://head:8265")
    added.add_argument(
        "--wait",
        action="store_true",
        help="show the log until the job ends, and end with its status",
    )
    added.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        metavar="verb",
        help="as after posebridge: run experiments/x.py",
    )
    added.epilog = (
        "The job gets a copy of the files that git tracks here, and nothing else. The same "
        "command again follows a job that runs, and starts one that has ended again: it goes on."
    )


def add_jobs(added: argparse.ArgumentParser) -> None:
    """Of which cluster."""
    added.add_argument("--address", required=True, help="URL of the dashboard, http://head:8265")


def submit(asked: argparse.Namespace, console: Console, understand: Understand) -> int:
    """Run a verb on a cluster.

    Args:
        asked: the options of `submit`.
        console: to print on.
        understand: a command's words, or the end of this one with its usage.
    """
    words = _command(asked, understand)
    archive = pack(Path.cwd())
    inner = understand(words)
    if isinstance(file := getattr(inner, "experiment", None), Path):
        archive.check_holds(file)
    console.print(archive.describe(), highlight=False, markup=False, soft_wrap=True)
    archive.check_size()
    cluster = Cluster.at(asked.address)
    name, is_new = cluster.submit(archive, words)
    console.print(f"{name} {'is submitted' if is_new else 'runs already'}", highlight=False)
    if asked.wait:
        return _follow(cluster, name, console)
    console.print(
        "See its log: the same command with --wait. "
        f"See all jobs: posebridge jobs --address {asked.address}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0


def jobs(asked: argparse.Namespace, console: Console) -> int:
    """What was submitted to a cluster, and what became of it."""
    found = Cluster.at(asked.address).jobs()
    if not found:
        console.print("nothing was submitted to this cluster yet")
        return 0
    grid = Grid("job", "state", "minutes")
    grid.add_column("command", overflow="fold")
    for job in found:
        grid.add_row(job.name, job.state.lower(), _minutes(job), escape(job.command))
    console.print(grid)
    return 0


def _command(asked: argparse.Namespace, understand: Understand) -> list[str]:
    """The words of the verb, with a store that the cluster can reach.

    Raises:
        ValueError: if there is no verb, one that is no work, or no such store.
    """
    words: list[str] = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    if not words or words[0] in ("submit", "jobs"):
        raise ValueError(
            "submit takes another verb, such as: posebridge submit --address URL --store s3://… "
            "-- run experiments/x.py"
        )
    if not any(word.split("=")[0] == "--store" for word in words):
        words = [*words, "--store", asked.store]
    store: str = understand(words).store
    if "://" not in store and not Path(store).is_absolute():
        raise ValueError(
            f"--store must be a place that every node reaches, such as s3://bucket/folder or "
            f"/shared/folder, but got {store!r}: a job's own folder is gone when it ends."
        )
    return words


def _follow(cluster: Cluster, name: str, console: Console) -> int:
    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    try:
        job = cluster.follow(name, write)
    except KeyboardInterrupt:
        console.print(
            f"no longer following; {name} goes on. The same command follows it again; to end it: "
            f"ray job stop --address {cluster.address} {name}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        return INTERRUPTED
    console.print(job.describe_end(), highlight=False, markup=False, soft_wrap=True)
    return job.status


def _minutes(job: Job) -> str:
    if job.started is None:
        return ""
    return f"{((job.ended or time.time()) - job.started) / 60:.1f}"
