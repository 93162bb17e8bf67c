"""Running a sweep: Ray Tune over the proposals, and the graph beside it for what they share."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from optuna import Study
from optuna.storages import BaseStorage
from ray import tune
from ray.tune import Callback
from ray.tune.experiment import Trial as TuneTrial

from posebridge.engine.crashes import explained
from posebridge.engine.execution import Execution
from posebridge.engine.tune.frontier import Frontier, SweepStoppedError
from posebridge.engine.tune.outcomes import Outcome, Proposal, read_outcomes
from posebridge.engine.tune.proposals import Proposals
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.tune.trials import ReadyProposals, TrialRun, Try, trial_of
from posebridge.engine.tune.warm_start import known_outcomes

CRASH_RETRIES = 2
QUIET = {
    # Outcomes are in the store: what Tune writes of its own is for nobody.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune would take an interrupt for a wish to end well, and return what there is.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
}


class SweepWatcher:
    """Is told what happens in a sweep, and by itself does nothing with it."""

    def began(self, outcomes: dict[int, Outcome]) -> None:
        """The search begins, with the outcomes that there are already."""

    def trying(self, proposal: Proposal) -> None:
        """A proposal is being tried."""

    def ended(self, outcome: Outcome) -> None:
        """A proposal has ended."""

    def ticked(self) -> None:
        """Some time has passed."""


def run_sweep(
    sweep: Sweep,
    attempt: Try,
    graph: Execution,
    watchers: Sequence[SweepWatcher] = (),
    storage: BaseStorage | None = None,
) -> Study:
    """Run what is not done of a search; running again goes on.

    Args:
        sweep: what is searched; what all its proposals share is done.
        attempt: tries a proposal, in a process of its own.
        graph: runs stages that some proposals share.
        watchers: are told what happens.
        storage: Optuna's, for people to look at.

    Returns:
        The study, which knows what became of every proposal; their outcomes are in the store.

    Raises:
        SweepStoppedError: if the machinery under a stage or a trial failed for good, or Tune was
            interrupted.
    """
    store = sweep.plan.store
    proposals = Proposals(
        sweep.search,
        sweep.systems,
        name=sweep.name,
        storage=storage,
        known=known_outcomes(sweep),
    )
    outcomes = read_outcomes(store, sweep.name)
    for watcher in watchers:
        watcher.began(dict(outcomes))

    def told(outcome: Outcome) -> None:
        for watcher in watchers:
            watcher.ended(outcome)

    frontier = Frontier(sweep, proposals, graph, outcomes, told)
    frontier.advance()
    if not frontier.is_exhausted:
        _fit(sweep, attempt, frontier, watchers)
    ended, asked = len(frontier.outcomes), sweep.search.trials
    if ended < asked:
        raise SweepStoppedError(f"it was interrupted after {ended} of {asked} proposals")
    frontier.tell_rest()
    return proposals.study


def _fit(sweep: Sweep, attempt: Try, frontier: Frontier, watchers: Sequence[SweepWatcher]) -> None:
    needs = sweep.resources()
    trainable = tune.with_resources(tune.with_parameters(TrialRun, attempt=attempt), needs)
    ready = ReadyProposals(frontier, sweep)
    pending = {"TUNE_MAX_PENDING_TRIALS_PG": str(sweep.search.ahead)}
    scratch = tempfile.TemporaryDirectory(prefix="posebridge-tune-")
    with _environment(QUIET | pending), scratch as folder:
        results = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=ready,
                num_samples=-1,
                # An actor that is kept for the next trial keeps its CPUs, which the stages that
                # the next proposal waits for may need.
                reuse_actors=not sweep.has_private_prefixes,
            ),
            run_config=tune.RunConfig(
                name=sweep.name,
                storage_path=folder,
                failure_config=tune.FailureConfig(max_failures=CRASH_RETRIES),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
                callbacks=[_Watch(watchers)],
                verbose=0,
            ),
        ).fit()
        causes = [explained(error) for error in results.errors]
    if ready.broken:
        numbers = ", ".join(str(proposal.number) for proposal in ready.broken)
        cause = causes[0] if causes else "it left nothing"
        raise SweepStoppedError(f"proposal {numbers} could not be tried: {cause}")


class _Watch(Callback):
    """Passes on what Tune tells."""

    def __init__(self, watchers: Sequence[SweepWatcher]) -> None:
        self._watchers = watchers

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Tune keeps a copy of what it is given, and a console cannot be copied."""
        return {}

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: object) -> None:
        for watcher in self._watchers:
            watcher.ticked()

    def on_trial_start(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: object
    ) -> None:
        for watcher in self._watchers:
            watcher.trying(trial_of(trial.config).proposal)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Environment variables for as long as Tune runs, which reads them when it starts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
