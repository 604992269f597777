"""Matrix products in bfloat16 on a CPU that has instructions for them (AVX-512 BF16, AMX, Arm's BF16).

Factors, biases and results of products are rounded to 8 bits of mantissa. Sums within a product, normalisations,
attention and the sums between layers stay in float32; so do activations, but for those between convolutions.
Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning Training" (arXiv:1905.12322) has why that is enough. A CPU
without such instructions takes twenty times as long for it, so that it is measured first which kind this one is.
"""

from __future__ import annotations

import copy
import functools
import time
from collections.abc import Callable, Collection
from itertools import chain
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_ROWS, _WIDTH = 128, 768
_RUNS, _ENOUGH_S = 2, 0.03

Network = TypeVar("Network", bound=nn.Module)


@runtime_checkable
class HasHalfProducts(Protocol):
    """A network that has a twin for such a CPU."""

    def with_half_products(self) -> nn.Module:
        """Return a copy that multiplies in bfloat16; it shares what it does not convert."""


class HalfLinear(nn.Module):
    """A linear layer that multiplies in bfloat16: takes and gives float32.

    Its tensors are neither parameters nor buffers, for ``Module.to`` would convert those back.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self._weight = linear.weight.detach().bfloat16()
        self._bias = None if linear.bias is None else linear.bias.detach().bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs)."""
        return functional.linear(x.bfloat16(), self._weight, self._bias).to(x.dtype)


def shallow_copy(network: Network) -> Network:
    """Copy the modules of a network, but not its tensors."""
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    return copy.deepcopy(network, shared)


def halve_linear_layers(module: nn.Module, besides: Collection[str]) -> None:
    """Replace the linear layers within a module, but for those of these names."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear) and name not in besides:
            setattr(module, name, HalfLinear(child))
        else:
            halve_linear_layers(child, besides)


@functools.cache
def half_gain() -> float:
    """How many times as fast this CPU multiplies in bfloat16, with the threads that torch uses now; below 1 if slower.

    Measured once, in 60 ms, or 200 where it is slow. Other programs hardly touch the best of several runs.
    """
    exact = torch.rand(_ROWS, _WIDTH), torch.rand(_WIDTH, _WIDTH)
    half = exact[0].bfloat16(), exact[1].bfloat16()
    with torch.inference_mode():
        return _least_s(lambda: functional.linear(*exact)) / _least_s(lambda: functional.linear(*half))


def _least_s(compute: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs; the first one also warms up."""
    times_s: list[float] = []
    while len(times_s) < _RUNS or sum(times_s) < _ENOUGH_S:
        started_s = time.perf_counter()
        compute()
        times_s.append(time.perf_counter() - started_s)
    return min(times_s)
