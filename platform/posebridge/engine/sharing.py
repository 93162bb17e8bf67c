"""How workers share a step so that the result is that of one process.

What they share is the work of the networks, not the method. Every worker runs the same method on
the same whole batch with the same draws; but a network, called as a module, looks at this worker's
rows alone and gives back everybody's. So means over masked keypoints, quantiles of a batch, moving
averages and alternating players are those of one process, and results differ by rounding alone.
Were the batch itself split, a mean over masked keypoints would become a mean of means.

Gradients are averaged over the workers (`Group.average`). Through a shared call flows the gradient
of one worker's rows, times their number; what a method computes in any other way, every worker
computes in full, and its gradient is that of all. Either way the mean is the gradient of one
process. DistributedDataParallel is not used: it wants one forward call for each backward pass, and
knows neither several players nor shared rows. Its overlap of reduction and backward pass is lost:
that is one message as long as the network, some per cent of a step.

With `parts`, a worker's rows pass a network one part after the other, and all parts but the last
are computed once more for their gradients: memory holds the activations of one part, at the most a
third more work is done, and again every method gets the result of the whole, its moving averages
included, which micro-batches with an update each would not give.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from posebridge.engine.group import Group, rows_of
from posebridge.estimators.torchvision_guard import import_torchvision
from posebridge.identity import digest

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def share(nets: nn.ModuleDict, group: Group, parts: int) -> None:
    """Let every network of a method look at this worker's rows only, in parts.

    A network must treat each row by itself. Batch norm does not: a group on GPUs synchronises its
    statistics; on CPUs (where torch cannot), and in parts, they stay as they are.

    Args:
        nets: on their device; changed in place, their `state_dict` is not.
        group: of which this process is one.
        parts: in which the rows of a worker are looked at.
    """
    if group.size == 1 and parts == 1:
        return
    on_gpu = next(nets.parameters()).device.type == "cuda"
    if on_gpu and parts == 1:
        synchronise_batch_norm(nets)
    else:
        freeze_batch_norm(nets)
    for net in nets.values():
        # As an attribute of the instance: the network stays what it is to the method.
        net.forward = SharedForward(net.forward, group, parts)


def freeze_batch_norm(nets: nn.Module) -> None:
    """Let batch norm use the statistics it has, and keep them, even in training mode."""
    for module in nets.modules():
        if isinstance(module, BATCH_NORMS):
            module.register_forward_pre_hook(_evaluate)


def _evaluate(module: nn.Module, _: Any) -> None:  # noqa: ANN401 - a hook's arguments
    module.eval()


def synchronise_batch_norm(nets: nn.ModuleDict) -> None:
    """Let batch norm take its statistics over the group."""
    if not any(isinstance(module, BATCH_NORMS) for module in nets.modules()):
        return
    import_torchvision()
    import timm.layers  # only now, see torchvision_guard

    for name, net in nets.items():
        # torch's own converter forgets the activation in timm's batch norm.
        nets[name] = timm.layers.convert_sync_batchnorm(net)  # type: ignore


class SharedForward:
    """The forward call of a network of which each worker does its rows."""

    def __init__(self, forward: Callable[..., Any], group: Group, parts: int) -> None:
        """Share a network's forward call."""
        self._forward, self._group, self._parts = forward, group, parts
        self._seed, self._calls = 0, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the network's
        """Everybody's rows. What has no rows to share is done in full."""
        given = [args, kwargs]
        count = _num_rows(given)
        if count < self._group.size * self._parts:
            return self._forward(*args, **kwargs)
        first, last = self._group.share(count)
        outputs = []
        for number in range(self._parts):
            start, end = rows_of(last - first, number, self._parts)
            own = [tensor[first + start : first + end] for tensor in _tensors(given)]
            with self._own_draws(number):
                outputs.append(self._part(_filled(given, iter(own)), number == self._parts - 1))
            _check_rows(outputs[-1], end - start)
        leaves = zip(*(_tensors(output) for output in outputs), strict=True)
        joined = [parts[0] if len(parts) == 1 else torch.cat(parts) for parts in leaves]
        gathered = _Gather.apply(self._group, count, *joined)  # type: ignore[no-untyped-call]
        return _filled(outputs[0], iter(gathered))

    def _part(self, given: list[Any], is_last: bool) -> Any:  # noqa: ANN401 - as the network's
        args, kwargs = given
        if is_last or not torch.is_grad_enabled():
            return self._forward(*args, **kwargs)
        return checkpoint(self._forward, *args, use_reentrant=False, **kwargs)

    @contextmanager
    def _own_draws(self, part: int) -> Iterator[None]:
        """Draws inside a network differ between rows, and leave those of the method as they are.

        They follow from the seed that the engine gives each step.
        """
        seed = torch.initial_seed()
        self._calls = self._calls + (part == 0) if seed == self._seed else 0
        self._seed = seed
        own = int(digest([seed, self._calls, self._group.rank, part]), 16) % 2**63
        on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        with torch.random.fork_rng([torch.cuda.current_device()] if on_gpu else []):
            torch.default_generator.manual_seed(own)
            if on_gpu:
                torch.cuda.manual_seed(own)
            yield


class _Gather(torch.autograd.Function):
    """Rows of this worker to rows of all; gradients of all to this worker's, times the workers."""

    @staticmethod
    def forward(ctx: Any, group: Group, count: int, *own: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401, D102
        ctx.group, ctx.count = group, count
        everybody = group.gather(own, count)
        if group.size == 1:
            everybody = [tensor.view_as(tensor) for tensor in everybody]
        ctx.mark_non_differentiable(*(t for t in everybody if not t.is_floating_point()))
        return tuple(everybody)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401, D102
        first, last = ctx.group.share(ctx.count)
        return None, None, *(g[first:last] * ctx.group.size for g in gradients)


def _num_rows(tree: Any) -> int:  # noqa: ANN401 - arguments of a network
    """Rows that all tensors have; 0 if they differ."""
    counts = {len(tensor) for tensor in _tensors(tree)}
    return counts.pop() if len(counts) == 1 else 0


def _check_rows(output: Any, count: int) -> None:  # noqa: ANN401 - what a network gives
    found = [len(tensor) for tensor in _tensors(output)]
    if set(found) != {count}:
        raise ValueError(
            f"a network that workers share must give a row for each of {count} rows, but gave "
            f"{found or 'no tensor'}. Compute in the method what is no row, or train with one "
            "worker and accumulate=1."
        )


def _tensors(tree: Any) -> list[Tensor]:  # noqa: ANN401 - a tensor, or a structure that holds some
    """The tensors with rows, in order."""
    if isinstance(tree, Tensor):
        return [tree] if tree.dim() else []
    return [tensor for child in _children(tree) for tensor in _tensors(child)]


def _children(tree: Any) -> Sequence[Any]:  # noqa: ANN401 - as of `_tensors`
    if isinstance(tree, list | tuple):
        return tree
    if isinstance(tree, dict):
        return list(tree.values())
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, field.name) for field in dataclasses.fields(tree)]
    return []


def _filled(tree: Any, tensors: Iterator[Tensor]) -> Any:  # noqa: ANN401 - as of `_tensors`
    """The same structure with other tensors, in the order of `_tensors`."""
    if isinstance(tree, Tensor):
        return next(tensors) if tree.dim() else tree
    children = [_filled(child, tensors) for child in _children(tree)]
    if isinstance(tree, list | tuple):
        return type(tree)(children)
    if isinstance(tree, dict):
        return dict(zip(tree, children, strict=True))
    if children:
        names = [field.name for field in dataclasses.fields(tree)]
        return dataclasses.replace(tree, **dict(zip(names, children, strict=True)))
    return tree
