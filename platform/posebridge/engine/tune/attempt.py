"""Trying a proposal: train its last stage, measure it by every rule, leave the outcome."""

import math
from dataclasses import dataclass

from torch import nn

from posebridge.engine.artifacts import Store
from posebridge.engine.crashes import DIVERGED, explained
from posebridge.engine.evaluate import Scores, labelled_scores
from posebridge.engine.label_free import unlabelled_scores
from posebridge.engine.predictors import Predictor
from posebridge.engine.tune.frontier import Trial
from posebridge.engine.tune.outcomes import Outcome, Proposal, State, write_outcome
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.work import stage_path, train_stage
from posebridge.selection import LabelledLook, Look
from posebridge.stages import Stage


class FellBehindError(Exception):
    """A proposal is not worth more steps."""


@dataclass(frozen=True)
class Rungs:
    """Looks at a proposal's last stage while it trains, and remembers what it saw.

    Attributes:
        sweep: what is searched.
        trial: that is tried.
    """

    sweep: Sweep
    trial: Trial

    def __call__(self, step: int, nets: nn.ModuleDict) -> None:
        """Look, if there is a rung at this step.

        Raises:
            FellBehindError: if the score is under the bar.
        """
        if step not in self.sweep.rungs():
            return
        store, path = self.sweep.plan.store, self._path(step)
        # One that was killed after a rung may pass it again.
        if not store.exists(path):
            score = score_now(self.sweep, self.trial.proposal, nets)
            store.write_json(path, score if math.isfinite(score) else None)
        if not self.scores()[step] >= self.trial.bars.get(step, -math.inf):
            raise FellBehindError

    def scores(self) -> dict[int, float]:
        """Score at each rung that was reached, by step."""
        store = self.sweep.plan.store
        reached = [step for step in self.sweep.rungs() if store.exists(self._path(step))]
        found = {step: store.read_json(self._path(step)) for step in reached}
        return {step: math.nan if score is None else score for step, score in found.items()}

    def _path(self, step: int) -> str:
        number = self.trial.proposal.number
        return f"sweeps/{self.sweep.name}/rungs/{number:06d}-{step:08d}.json"


def score_now(sweep: Sweep, proposal: Proposal, nets: nn.ModuleDict) -> float:
    """What the declared rule says of a proposal's networks as they are."""
    plan, system, stage = sweep.plan, sweep.systems[proposal.system], sweep.stage(proposal)
    rule = plan.experiment.selection
    looks = plan.experiment.validation(system, rule)
    found = [measure(plan.store, stage, nets, look).value(rule.metric) for look in looks]
    return sum(found) / len(found)


def measure(store: Store, stage: Stage, nets: nn.ModuleDict, look: Look) -> Scores:
    """What a look says of networks as they are; they are left as they were."""
    training = [module for module in nets.modules() if module.training]
    device = next(nets.parameters()).device
    predictor = Predictor(stage.name, stage.method, nets.eval(), device)
    try:
        if isinstance(look, LabelledLook):
            return labelled_scores(store, predictor, look.population, look.split)
        return unlabelled_scores(store, stage, predictor, look)
    finally:
        for module in training:
            module.training = True


@dataclass(frozen=True)
class Attempt:
    """Tries proposals of a sweep.

    Attributes:
        sweep: what is searched.
    """

    sweep: Sweep

    def __call__(self, trial: Trial) -> Outcome:
        """Try a proposal; what was done of it before is not done again.

        Raises:
            Exception: whatever is not the fault of the proposal's values; there is no outcome
                then, Tune tries again, and in the end the sweep stops.
        """
        rungs = Rungs(self.sweep, trial)
        try:
            outcome = self._tried(trial, rungs)
        except FellBehindError:
            score = rungs.scores()[max(rungs.scores())]
            outcome = Outcome(trial.proposal, State.PRUNED, score, rungs=rungs.scores())
        except DIVERGED as error:
            cause = explained(error)
            outcome = Outcome(trial.proposal, State.FAILED, cause=cause, rungs=rungs.scores())
        write_outcome(self.sweep.plan.store, self.sweep.name, outcome)
        return outcome

    def _tried(self, trial: Trial, rungs: Rungs) -> Outcome:
        plan, proposal = self.sweep.plan, trial.proposal
        system, stage = self.sweep.systems[proposal.system], self.sweep.stage(proposal)
        train_stage(plan.store.uri, stage, plan.streamed, rungs)
        for task in plan.judging(system, stage):
            task.function(*task.arguments)
        return completed(self.sweep, proposal, rungs.scores())


def completed(sweep: Sweep, proposal: Proposal, rungs: dict[int, float]) -> Outcome:
    """The outcome of a proposal that was trained and measured by every rule.

    Args:
        sweep: what is searched.
        proposal: that was tried.
        rungs: score while it trained, by step.
    """
    plan, system, stage = sweep.plan, sweep.systems[proposal.system], sweep.stage(proposal)
    score = plan.score(system, stage, plan.experiment.selection)
    return Outcome(
        proposal,
        State.COMPLETE if math.isfinite(score) else State.FAILED,
        score,
        cause="" if math.isfinite(score) else "its score is not a number",
        rungs=rungs,
        criteria=plan.scores(system, stage),
        stage_key=stage.key(),
        cost=_cost(plan.store, stage),
    )


def _cost(store: Store, stage: Stage) -> dict[str, float]:
    """What the whole chain took: sums of its stages, and the parameters of the last."""
    costs = [store.read_json(f"{stage_path(one)}/manifest.json")["cost"] for one in stage.chain()]
    summed = {unit: math.fsum(c[unit] for c in costs) for unit in ("steps", "images", "seconds")}
    return summed | {"parameters": float(costs[-1]["parameters"])}
