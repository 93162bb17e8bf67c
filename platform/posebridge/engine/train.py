"""The training loop: the one place that steps optimisers, checkpoints and resumes.

A stage that is killed goes on from its last checkpoint and ends with the same bits, because
batches are a function of the step (`engine/data.py`), and torch's generator is seeded anew before
every step.
"""

import io
import logging
import math
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from posebridge.engine.artifacts import Store
from posebridge.engine.data import Loader
from posebridge.engine.group import ALONE, Group
from posebridge.engine.leases import Lease
from posebridge.engine.reading import LeftOut
from posebridge.estimators.base import Estimator
from posebridge.estimators.released import without_weights
from posebridge.identity import digest
from posebridge.stages import Stage

LOG_EVERY = 5
KEPT_CHECKPOINTS = 2
Terms = dict[str, Tensor]
Look = Callable[[int, nn.ModuleDict], None]
"""Looks at the networks of a stage after a step."""
log = logging.getLogger(__name__)


class Optimisers:
    """An Adam per player; called by a method as `optimize(player, loss)`."""

    def __init__(self, stage: Stage, nets: nn.ModuleDict, group: Group = ALONE) -> None:
        """Build an optimiser for every player of the method; the group shares its gradients."""
        self._group = group
        self._stage = stage
        self.step_now = 0
        budget, rates = stage.budget, stage.method.learning_rates()
        family = torch.optim.AdamW if budget.weight_decay else torch.optim.Adam
        self.by_player = {
            player: family(
                [p for p in nets[player].parameters() if p.requires_grad],
                lr=rates[player],
                weight_decay=budget.weight_decay,
                fused=True,
            )
            for player in stage.method.players
        }

    def __call__(self, player: str, loss: Tensor) -> None:
        """Move one player down its loss."""
        optimiser = self.by_player[player]
        (group,) = optimiser.param_groups
        group["lr"] = self.rates()[player]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._group.average([p.grad for p in group["params"] if p.grad is not None])
        if self._stage.budget.clip_norm is not None:
            nn.utils.clip_grad_norm_(group["params"], self._stage.budget.clip_norm)
        optimiser.step()

    def rates(self) -> dict[str, float]:
        """Learning rate of each player at the current step."""
        factor = self._stage.budget.factor(self.step_now)
        peaks = self._stage.method_at(self.step_now).learning_rates()
        return {player: rate * factor for player, rate in peaks.items()}


@dataclass
class Progress:
    """How far a stage is; everything a resumed stage must know besides its networks."""

    step: int = 0
    seconds: float = 0.0
    metrics: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """The first steps of a stage, up to all of them.

    Attributes:
        stage: of which.
        steps: how many, in all.
        before: folder where an earlier part, of fewer steps, has left its checkpoint.
    """

    stage: Stage
    steps: int
    before: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the stage is left to train after it."""
        return self.steps == self.stage.budget.steps


@dataclass(frozen=True)
class Run:
    """A stage, or a part of it, being trained.

    Attributes:
        part: what is asked.
        nets: everything that learns.
        optimisers: that move it.
        lease: of the folder where checkpoints go; told of the progress.
        device: where it runs.
        events: TensorBoard's writer; None for a worker that does not lead its group.
        group: of workers that share every step. Its leader alone writes.
        look: called after every step, before it is checkpointed; may end the training by raising.
    """

    part: Part
    nets: nn.ModuleDict
    optimisers: Optimisers
    lease: Lease
    device: torch.device
    events: SummaryWriter | None
    group: Group = ALONE
    look: Look | None = None

    @property
    def stage(self) -> Stage:
        """The stage that is trained."""
        return self.part.stage

    @property
    def store(self) -> Store:
        """Where checkpoints go."""
        return self.lease.store

    @property
    def folder(self) -> str:
        """Into which of its folders."""
        return self.lease.folder

    def train(self, data: Loader) -> Progress:
        """Train from the last checkpoint to the end of the part, and leave one there.

        The end of the whole stage needs none.

        Args:
            data: gives the batches from a step on.

        Raises:
            FloatingPointError: if a term stops being finite; nothing of it is kept.
        """
        progress = self._resume(data.left_out)
        budget = self.stage.budget
        pulse = _Pulse(self, progress.step)
        started = time.perf_counter() - progress.seconds
        if progress.step == self.part.steps:
            return progress
        for source, target in data.batches(progress.step, self.part.steps):
            terms = self._update(progress.step, source, target)
            progress.step += 1
            progress.seconds = time.perf_counter() - started
            if progress.step % LOG_EVERY == 0 or progress.step == budget.steps:
                progress.metrics.append(self._log(progress.step, terms))
            if self.look is not None:
                self.look(progress.step, self.nets)
            if progress.step % budget.checkpoint_every == 0 or self._ends(progress.step):
                self._values(progress.step, terms)
                self._save(progress, data.left_out)
            if self.group.leads:
                pulse.beat(progress.step)
        self._pool(data.left_out)
        return progress

    def _update(self, step: int, source: Any, target: Any) -> Terms:  # noqa: ANN401 - see Batch
        self._seed(step)
        self.optimisers.step_now = step
        with torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"
        ):
            method = self.stage.method_at(step)
            return method.update(self.nets, source, target, self.optimisers)

    def _ends(self, step: int) -> bool:
        """Whether the part ends here, and not the stage."""
        return step == self.part.steps and not self.part.is_whole

    def _seed(self, step: int) -> None:
        seed = int(digest([self.stage.seed, step]), 16) % 2**63
        # torch.manual_seed also seeds devices that are not there, which costs a tenth of a
        # millisecond and more.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed_all(seed)

    def _log(self, step: int, terms: Terms) -> dict[str, float]:
        values = self._values(step, terms)
        rates = {f"learning_rate/{k}": v for k, v in self.optimisers.rates().items()}
        if self.events is not None:
            for name, value in (values | rates).items():
                self.events.add_scalar(name, value, step)
        return {"step": float(step)} | values | rates

    def _values(self, step: int, terms: Terms) -> dict[str, float]:
        values = {name: float(term) for name, term in terms.items()}
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if broken:
            raise FloatingPointError(
                f"stage {self.stage.name!r}: {', '.join(broken)} is not finite at step {step}. "
                "Lower the learning rate or clip the gradient; the last checkpoint is from before."
            )
        return values

    def _checkpoints(self) -> list[str]:
        return checkpoints(self.store, self.folder)

    def _pool(self, left_out: LeftOut) -> None:
        """Each worker has looked at people of its own."""
        for content in self.group.collect(left_out.content()):
            left_out.add(content)

    def _save(self, progress: Progress, left_out: LeftOut) -> None:
        self._pool(left_out)
        if not self.group.leads:
            return
        optimisers = {k: o.state_dict() for k, o in self.optimisers.by_player.items()}
        buffer = io.BytesIO()
        torch.save(
            {
                "nets": self.nets.state_dict(),
                "optimisers": optimisers,
                "progress": vars(progress),
                "left_out": left_out.content(),
            },
            buffer,
        )
        content = buffer.getvalue()
        name = f"checkpoint-{progress.step:08d}-{zlib.crc32(content):08x}.pt"
        self.lease.write(f"{self.folder}/{name}", content)
        for old in self._checkpoints()[:-KEPT_CHECKPOINTS]:
            self.lease.delete(f"{self.folder}/{old}")

    def _resume(self, left_out: LeftOut) -> Progress:
        content = self.group.from_leader(self._newest() if self.group.leads else None)
        if content is None:
            return Progress()
        saved = torch.load(io.BytesIO(content), self.device, weights_only=True)
        left_out.add(saved["left_out"])
        self.nets.load_state_dict(saved["nets"])
        for player, state in saved["optimisers"].items():
            self.optimisers.by_player[player].load_state_dict(state)
        return Progress(**saved["progress"])

    def _newest(self) -> bytes | None:
        """The last checkpoint that is whole, of this part or the one before, if there is any."""
        for folder in filter(None, (self.folder, self.part.before)):
            for name in reversed(checkpoints(self.store, folder)):
                content = self.store.read(f"{folder}/{name}")
                if name.endswith(f"-{zlib.crc32(content):08x}.pt"):
                    return content
                log.warning("%s is damaged: going back to the one before.", name)
        return None

    def clear(self) -> None:
        """Remove the checkpoints of a stage that is done."""
        for name in self._checkpoints():
            self.lease.delete(f"{self.folder}/{name}")


def checkpoints(store: Store, folder: str) -> list[str]:
    """Names of the checkpoints in a folder, the newest last."""
    return [name for name in store.children(folder) if name.startswith("checkpoint-")]


class _Pulse:
    """Tells the lease how far the stage is and how fast, for its next sign of life."""

    def __init__(self, run: Run, first: int) -> None:
        self._run, self._first = run, first
        self._people = sum(feed.per_step for feed in run.stage.feeds())
        self._began = time.perf_counter()

    def beat(self, step: int) -> None:
        rate = (step - self._first) * self._people / (time.perf_counter() - self._began)
        steps = self._run.stage.budget.steps
        self._run.lease.tell({"step": step, "steps": steps, "images_per_s": rate})


def set_up(stage: Stage, start: bytes | None) -> nn.ModuleDict:
    """The networks of a stage before its first step.

    Args:
        stage: what is asked.
        start: weights of the stage it starts from.
    """
    # Its seed is no part of the key of a stage that learns nothing, so it must decide nothing.
    torch.manual_seed(stage.seed if stage.budget.steps else 0)
    if start is None:
        return stage.method.setup(stage.architecture.build())
    assert stage.start is not None
    estimator = without_weights(stage.architecture).build()
    previous = stage.start.method.setup(without_weights(stage.start.architecture).build())
    load_weights(previous, start)
    estimator.load_state_dict(stage.start.method.deployed(previous).state_dict())
    return stage.method.setup(estimator)


def dump_weights(nets: nn.ModuleDict) -> bytes:
    """Everything that was learnt, as safetensors."""
    state = {k: v.detach().cpu().contiguous() for k, v in nets.state_dict().items()}
    return safetensors.torch.save(state)


def load_weights(nets: nn.ModuleDict, content: bytes) -> None:
    """Put stored weights into networks of the same shape."""
    nets.load_state_dict(safetensors.torch.load(content))


def deployed(stage: Stage, content: bytes) -> tuple[nn.ModuleDict, Estimator]:
    """The networks of a finished stage, and the estimator among them that it deploys."""
    nets = stage.method.setup(without_weights(stage.architecture).build())
    load_weights(nets, content)
    return nets.eval(), stage.method.deployed(nets)
