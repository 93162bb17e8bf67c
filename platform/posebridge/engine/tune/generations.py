"""Population-based training: a sweep whose proposals learn from each other as they train.

A member of the population is a proposal whose last stage has `changes`. Who goes on from another
member's networks is from then on the stage that has that member's changes and one more: its first
steps are the other's, so there is nothing to copy, and what wins is a stage like any other, which
gives the same bits when it is trained from its beginning.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from optuna import Study
from optuna.storages import BaseStorage

from posebridge.engine.execution import Execution
from posebridge.engine.graph import Failure, Task
from posebridge.engine.run import stage_marker
from posebridge.engine.train import Part, checkpoints
from posebridge.engine.tune.attempt import completed, score_now
from posebridge.engine.tune.driver import SweepWatcher
from posebridge.engine.tune.exploring import generator, moved, replacements
from posebridge.engine.tune.frontier import SweepStoppedError
from posebridge.engine.tune.outcomes import (
    Outcome,
    Proposal,
    State,
    read_outcomes,
    write_outcome,
)
from posebridge.engine.tune.proposals import Proposals, study_of
from posebridge.engine.tune.sweep import Sweep
from posebridge.engine.work import alone, train_part
from posebridge.identity import digest
from posebridge.search import PopulationBased, RandomSearch


def run_generations(
    sweep: Sweep,
    how: PopulationBased,
    graph: Execution,
    watchers: Sequence[SweepWatcher] = (),
    storage: BaseStorage | None = None,
) -> Study:
    """Run what is not done of a population; running again goes on.

    Args:
        sweep: what is searched; the stages before the last are done.
        how: the population moves on.
        graph: runs its trainings.
        watchers: are told what happens.
        storage: Optuna's, for people to look at.

    Returns:
        The study with what became of every member; their outcomes are in the store.

    Raises:
        SweepStoppedError: if the machinery under a training failed for good.
    """
    outcomes = read_outcomes(sweep.plan.store, sweep.name)
    for watcher in watchers:
        watcher.began(dict(outcomes))
    if len(outcomes) < sweep.search.trials:
        population = _Population(sweep, how, graph, watchers)
        for number, last in enumerate(population.ends()):
            population.train(number, last)
        population.finish(outcomes)
    known = [outcomes[number] for number in sorted(outcomes)]
    return study_of(sweep.search, sweep.systems, sweep.name, storage, known)


@dataclass
class _Member:
    """A proposal as it is now, where its last part lies, and its score after each generation."""

    proposal: Proposal
    part: str | None
    scores: dict[int, float]
    failure: Failure | None = None


class _Population:
    """Members that train side by side."""

    def __init__(
        self,
        sweep: Sweep,
        how: PopulationBased,
        graph: Execution,
        watchers: Sequence[SweepWatcher],
    ) -> None:
        """Draw the members."""
        self._sweep, self._how, self._graph, self._watchers = sweep, how, graph, watchers
        (system,) = sweep.systems.values()
        self._space = sweep.search.space_of(system)
        search = replace(sweep.search, sampler=RandomSearch(), ahead=sweep.search.trials)
        drawn = Proposals(search, sweep.systems, name=sweep.name)
        self._members = [_Member(drawn.propose(), None, {}) for _ in range(search.trials)]
        self._parts: list[str] = []
        for member in self._members:
            for watcher in watchers:
                watcher.trying(member.proposal)

    def ends(self) -> list[int]:
        """The step at which each generation but the last ends."""
        return self._sweep.generation_ends(self._how)

    def train(self, number: int, last: int) -> None:
        """Train a generation, and let the worst go on from the best."""
        alive = self._alive()
        tasks = [self._task(member, number, last) for member in alive]
        self._run(tasks)
        for member, task in zip(alive, tasks, strict=True):
            member.failure = self._graph.failure_of(task.marker)
            score = None if member.failure else self._sweep.plan.store.read_json(task.marker)
            member.scores[last] = math.nan if score is None else score
            member.part = task.folder
        self._forget()
        self._parts = [task.folder for task in tasks]
        self._move_on(last)

    def _alive(self) -> list[_Member]:
        """Members that did not diverge; the others go on from one of these, if there is any."""
        return [member for member in self._members if member.failure is None]

    def finish(self, outcomes: dict[int, Outcome]) -> None:
        """Train the last generation, measure every member, and leave the outcomes."""
        plan = self._sweep.plan
        (system,) = self._sweep.systems.values()
        tasks: list[Task] = []
        for member in self._alive():
            stage = self._sweep.stage(member.proposal)
            *_, training = plan.training(stage, f"proposal {member.proposal.number}")
            on = replace(training, arguments=(*training.arguments, None, member.part))
            tasks += [on, *plan.judging(system, stage)]
        self._run(tasks)
        self._forget()
        for member in self._members:
            number = member.proposal.number
            if number not in outcomes:
                outcome = self._outcome(member)
                write_outcome(plan.store, self._sweep.name, outcome)
                outcomes[number] = outcome
                for watcher in self._watchers:
                    watcher.ended(outcome)

    def _task(self, member: _Member, number: int, last: int) -> Task:
        """Train a member to the end of a generation."""
        stage, name = self._sweep.stage(member.proposal), self._sweep.name
        part = Part(stage, last, member.part)
        folder = f"sweeps/{name}/parts/{_key(part)}"
        *_, training = self._sweep.plan.training(stage, name)
        return replace(
            training,
            name=f"train {stage.name} to {last} (proposal {member.proposal.number}, generation "
            f"{number + 1} of {self._how.generations})",
            marker=f"{folder}/score.json",
            function=train_and_score,
            arguments=(self._sweep, member.proposal, part, folder),
            steps=last,
            lease="",
        )

    def _run(self, tasks: Iterable[Task]) -> None:
        """Run tasks to their end.

        Raises:
            SweepStoppedError: if one failed, and not by the values of its proposal.
        """
        before = len(self._graph.failures())
        self._graph.add(tasks)
        while not self._graph.is_idle:
            self._graph.step()
            for watcher in self._watchers:
                watcher.ticked()
        for failure in self._graph.failures()[before:]:
            if not failure.diverged:
                raise SweepStoppedError(f"{failure.task.name}: {failure.cause}")

    def _move_on(self, step: int) -> None:
        """Let those that fell behind go on from the leaders, which stay as they are."""
        name, members = self._sweep.name, {m.proposal.number: m for m in self._members}
        scores = {number: one.scores.get(step, math.nan) for number, one in members.items()}
        taken = replacements(scores, self._how.share, generator(name, step))
        for number, one in ((n, members[leader]) for n, leader in taken.items()):
            rng, late = generator(name, step, number), members[number]
            late.proposal = moved(number, one.proposal, step, self._space, self._how, rng)
            late.part, late.failure = one.part, None

    def _outcome(self, member: _Member) -> Outcome:
        stage = self._sweep.stage(member.proposal)
        failure = member.failure or self._graph.failure_of(stage_marker(stage))
        if failure is not None:
            cause = f"{failure.task.name}: {failure.cause}"
            return Outcome(member.proposal, State.FAILED, cause=cause, rungs=member.scores)
        return completed(self._sweep, member.proposal, member.scores)

    def _forget(self) -> None:
        """Remove the checkpoints of a generation that nobody goes on from; scores stay."""
        store = self._sweep.plan.store
        for part in self._parts:
            for name in checkpoints(store, part):
                store.delete(f"{part}/{name}")


def train_and_score(sweep: Sweep, proposal: Proposal, part: Part, folder: str) -> None:
    """Train a member to the end of a generation, and leave what the rule says of it then."""
    store, marker = sweep.plan.store, f"{folder}/score.json"
    with alone(store, folder, marker) as lease:
        if lease is not None:
            nets = train_part(lease, part, sweep.plan.streamed)
            score = score_now(sweep, proposal, nets)
            lease.write_json(marker, score if math.isfinite(score) else None)


def _key(part: Part) -> str:
    """Equal for all whose first steps are the same."""
    begun = replace(part.stage, changes=tuple(c for c in part.stage.changes if c[0] < part.steps))
    return digest({"stage": begun.description(), "steps": part.steps})
