"""The proposals of a sweep that are open: proposed, waiting for their stages, ready, being tried.

A proposal is ready once every stage before its last is done. Those stages are tasks of the graph,
which runs each of them once however many proposals need it, so that no trial holds a place while
it waits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from posebridge.engine.execution import Execution
from posebridge.engine.run import stage_marker
from posebridge.engine.tune.outcomes import Outcome, Proposal, State, write_outcome
from posebridge.engine.tune.proposals import Proposals
from posebridge.engine.tune.sweep import Sweep


class SweepStoppedError(RuntimeError):
    """The machinery under a sweep gave way; the message says where. What is done is kept."""

    def __init__(self, cause: str) -> None:
        """Say what to do about the cause."""
        super().__init__(
            f"the sweep stopped: {cause.rstrip('.')}. What is done is kept: mend the cause and "
            "run the same command again."
        )


@dataclass(frozen=True)
class _Open:
    """A proposal that has not ended: its stage before the last, and the key of the last."""

    proposal: Proposal
    before: str | None
    key: str


@dataclass(frozen=True)
class Trial:
    """A proposal that can be tried at once.

    Attributes:
        proposal: what to try.
        bars: score that it must reach at each rung to go on, by step.
    """

    proposal: Proposal
    bars: dict[int, float]


class Frontier:
    """Moves proposals along, in an order that no speed of any machine changes."""

    def __init__(
        self,
        sweep: Sweep,
        proposals: Proposals,
        graph: Execution,
        outcomes: dict[int, Outcome],
        told: Callable[[Outcome], None],
    ) -> None:
        """Start at the first proposal.

        Args:
            sweep: what is searched.
            proposals: none drawn yet.
            graph: runs the stages before the last.
            outcomes: that there are already; grows.
            told: is told of every outcome, in the order in which they come.
        """
        self._sweep, self._proposals, self._graph = sweep, proposals, graph
        self.outcomes = outcomes
        self._told = told
        self._waiting: dict[int, _Open] = {}
        self._trying: dict[int, _Open] = {}
        self._to_tell = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing is left to hand out, now or later."""
        return self._proposals.next_number >= self._sweep.search.trials and not self._waiting

    def advance(self) -> None:
        """Draw every proposal that may be drawn, and let the graph go on."""
        while self._may_propose():
            proposal = self._proposals.propose()
            if proposal.number not in self.outcomes:
                self._waiting[proposal.number] = self._opened(proposal)
        self._graph.step(timeout=0.0)
        self._drop_failed()

    def next_ready(self) -> Trial | None:
        """Hand out a proposal whose stages are there and whose last stage nobody else tries."""
        trying = {one.key for one in self._trying.values()}
        for number, one in self._waiting.items():
            is_there = one.before is None or self._graph.is_done(one.before)
            if is_there and one.key not in trying:
                self._trying[number] = self._waiting.pop(number)
                return Trial(one.proposal, self._sweep.bars(number, self.outcomes))
        return None

    def ended(self, outcome: Outcome) -> None:
        """Take the outcome of a proposal that was handed out."""
        self._trying.pop(outcome.proposal.number, None)
        self._waiting.pop(outcome.proposal.number, None)
        self.outcomes[outcome.proposal.number] = outcome
        self._told(outcome)

    def tell_rest(self) -> None:
        """Let the study know what ended after the last proposal was drawn."""
        while self._to_tell in self.outcomes and self._to_tell < self._proposals.next_number:
            self._tell_next()

    def _may_propose(self) -> bool:
        if self._proposals.next_number >= self._sweep.search.trials:
            return False
        needed = self._proposals.waits_for
        if needed is None:
            return True
        while self._to_tell <= needed and self._to_tell in self.outcomes:
            self._tell_next()
        return self._to_tell > needed

    def _tell_next(self) -> None:
        self._proposals.tell(self.outcomes[self._to_tell])
        self._to_tell += 1

    def _opened(self, proposal: Proposal) -> _Open:
        """A new proposal, with the stages before its last handed to the graph."""
        stage = self._sweep.stage(proposal)
        if stage.start is None:
            return _Open(proposal, None, stage.key())
        name = f"{proposal.system} proposal {proposal.number}"
        self._graph.add(self._sweep.plan.training(stage.start, name))
        return _Open(proposal, stage_marker(stage.start), stage.key())

    def _drop_failed(self) -> None:
        """A proposal that lacks a stage for good has failed.

        Raises:
            SweepStoppedError: if it is not the fault of its values.
        """
        for one in list(self._waiting.values()):
            failure = one.before and self._graph.failure_of(one.before)
            if not failure:
                continue
            cause = f"{failure.task.name}: {failure.cause}"
            if not failure.diverged:
                raise SweepStoppedError(cause)
            outcome = Outcome(one.proposal, State.FAILED, cause=cause)
            write_outcome(self._sweep.plan.store, self._sweep.name, outcome)
            self.ended(outcome)
