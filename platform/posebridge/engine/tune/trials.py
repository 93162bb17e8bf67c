"""Ray Tune's side of a sweep: what tries a proposal, and what hands proposals out."""

from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from posebridge.engine.tune.frontier import Frontier, Trial
from posebridge.engine.tune.outcomes import Outcome, Proposal, read_outcome
from posebridge.engine.tune.sweep import Sweep

Try = Callable[[Trial], Outcome]
"""Tries a proposal in the process that calls it, and leaves its outcome in the store."""


class TrialRun(tune.Trainable):
    """An actor of Tune that tries one proposal after the other, each in one step."""

    def setup(self, config: dict[str, Any], attempt: Try | None = None) -> None:
        """Take what tries a proposal, and the first one."""
        assert attempt is not None
        self._attempt = attempt
        self._trial = trial_of(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next proposal."""
        self._trial = trial_of(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Try the proposal."""
        outcome = self._attempt(self._trial)
        return {"done": True, "state": outcome.state.value, "score": outcome.score}


def config_of(trial: Trial) -> dict[str, Any]:
    """A proposal as Tune passes it on."""
    proposal = trial.proposal
    return {
        "number": proposal.number,
        "system": proposal.system,
        "values": dict(proposal.values),
        "bars": {str(step): bar for step, bar in trial.bars.items()},
    }


def trial_of(config: dict[str, Any]) -> Trial:
    """The proposal that Tune passed on."""
    proposal = Proposal(config["number"], config["system"], dict(config["values"]))
    return Trial(proposal, {int(step): bar for step, bar in config["bars"].items()})


class ReadyProposals(Searcher):
    """Gives Tune a proposal when one is ready, and takes back what became of it.

    Ray's OptunaSearch asks Optuna when Tune has room and tells it what has just ended, so what it
    proposes depends on who was faster; a missing score leaves its trial running for ever, and a
    stopped one counts as complete. Here Optuna is asked by `proposals.py`.
    """

    def __init__(self, frontier: Frontier, sweep: Sweep) -> None:
        """Hand out the proposals of a frontier."""
        super().__init__(metric="score", mode="max")
        self._frontier, self._sweep = frontier, sweep
        self._handed: dict[str, Proposal] = {}
        self.broken: list[Proposal] = []

    def suggest(self, trial_id: str) -> Any:  # noqa: ANN401 - what Tune takes
        """The next ready proposal; None while there is none; Tune asks again and again."""
        if self.broken:
            return Searcher.FINISHED
        self._frontier.advance()
        trial = self._frontier.next_ready()
        if trial is None:
            return Searcher.FINISHED if self._frontier.is_exhausted else None
        self._handed[trial_id] = trial.proposal
        return config_of(trial)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A trial has ended, one way or another."""
        proposal = self._handed.pop(trial_id)
        outcome = read_outcome(self._sweep.plan.store, self._sweep.name, proposal.number)
        if outcome is None:
            self.broken.append(proposal)
        else:
            self._frontier.ended(outcome)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: the copy that Tune keeps is never used."""
        return {}

    def save(self, checkpoint_path: str) -> None:
        """Nothing: outcomes are in the store."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: proposals are drawn again from their outcomes."""
