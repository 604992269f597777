"""The convolutions of wav2vec 2.0, HuBERT and WavLM on a CPU, with AVX2 in a fifth to a third less time than oneDNN's.

In bfloat16, for ``half_products``, they are plain products: an eighth less time than oneDNN's, whose layers all round.

Everything is kept time first, so that a convolution is a matrix product over windows of neighbouring rows. Two ways to
compute less are used:

- Two taps that step over the same samples cost three products for two outputs instead of four (Winograd 1980,
  "Arithmetic complexity of computations"; for networks Lavin and Gray 2016, arXiv:1509.09308). A convolution of three
  taps and stride 2 has two such taps, the outer ones: five products instead of six.
- A normalisation over time of what a convolution of one channel gives follows from the mean and the covariance of its
  windows (10 x 10), and goes into the weights: the 30 MB that it would read and write for 5 s are never touched.

docs/models.md has the measurements. Shapes: t steps, n windows, c channels, o output channels, k taps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


class CpuConvolutions:
    """Computes what torchaudio's feature extractor does for one waveform, in float32, within 1e-5 of the values' size.

    Keeps the weights in an order of its own (19 MB for the published sizes), made anew whenever they have changed.
    Thread: whichever one, but only one at a time.

    Args:
        products: What to multiply in. With ``bfloat16`` what lies between the layers is rounded to it, too.
    """

    def __init__(self, products: torch.dtype = torch.float32) -> None:
        self._products = products
        self._seen: list[tuple[int, int]] = []
        self._steps: list[_Step] = []

    def suits(self, samples: Tensor, layers: Iterable[nn.Module]) -> bool:
        """Whether this is for waveforms (b, t): on the CPU, in float32, without gradients, and where it is faster.

        With AVX-512 oneDNN's own convolutions are: 0.126 to 0.141 of the audio's length for wav2vec 2.0 base, 0.138 to
        0.146 with these.
        """
        kinds = {parameter.dtype for layer in layers for parameter in layer.parameters()}
        is_plain = samples.device.type == "cpu" and kinds == {torch.float32} == {samples.dtype}
        is_faster = self._products != torch.float32 or torch.backends.cpu.get_cpu_capability() != "AVX512"
        return is_plain and is_faster and not torch.is_grad_enabled()

    def extract(self, layers: Sequence[nn.Module], samples: Tensor) -> Tensor:
        """Map samples (t,) to what the last of torchaudio's ``ConvLayerBlock`` gives, shape (n, o)."""
        seen = [_identity(weight) for layer in layers for weight in layer.parameters()]
        if seen != self._seen:
            self._seen, self._steps = seen, [_Step.of(layer, self._products) for layer in layers]
        x = samples.contiguous().unsqueeze(1)
        for step in self._steps:
            x = step.run(x)
        return x.float()

    def __deepcopy__(self, memo: object) -> CpuConvolutions:
        """A copy of a network goes to a GPU, where this is of no use."""
        return CpuConvolutions(self._products)


@dataclass(frozen=True)
class _Step:
    """One convolution with its normalisation and its GELU.

    Attributes:
        taps: Of the convolution.
        stride: Likewise.
        weights: (k * c, o), in what is to be multiplied in; for three taps and stride 2 in float32 instead the three
            taps (c, o), and the sum of the outer ones.
        bias: (o,), or none.
        norm: Over time (``GroupNorm``), over channels (``LayerNorm``) or none.
    """

    taps: int
    stride: int
    weights: tuple[Tensor, ...]
    bias: Tensor | None
    norm: nn.GroupNorm | nn.LayerNorm | None

    @classmethod
    def of(cls, layer: nn.Module, products: torch.dtype) -> _Step:
        """Take one of torchaudio's ``ConvLayerBlock``; the first one is always exact, which costs next to nothing."""
        conv, norm = layer.conv, layer.layer_norm
        assert isinstance(conv, nn.Conv1d)  # noqa: S101  # for the type checker
        assert norm is None or isinstance(norm, nn.GroupNorm | nn.LayerNorm)  # noqa: S101  # likewise
        taps, stride = conv.kernel_size[0], conv.stride[0]
        weight = conv.weight.detach().permute(2, 1, 0)  # (k, c, o)
        if products != torch.float32 and conv.in_channels > 1:
            bias = None if conv.bias is None else conv.bias.detach().to(products)
            return cls(taps, stride, (weight.flatten(0, 1).to(products),), bias, norm)
        if (taps, stride) == (3, 2) and not isinstance(norm, nn.GroupNorm):
            first, middle, last = (tap.contiguous() for tap in weight)
            return cls(taps, stride, (first, middle, last, first + last), conv.bias, norm)
        return cls(taps, stride, (weight.flatten(0, 1).contiguous(),), conv.bias, norm)

    def run(self, x: Tensor) -> Tensor:
        """Map (t, c) to (n, o)."""
        x = x.to(self.weights[0].dtype)
        if isinstance(self.norm, nn.GroupNorm):
            y = self._normalised_over_time(_windows(x, self.taps, self.stride), self.norm)
        elif len(self.weights) > 1:
            y = self._three_taps(x)
        else:
            y = _product(_windows(x, self.taps, self.stride), self.weights[0], self.bias)
        if isinstance(self.norm, nn.LayerNorm):
            y = functional.layer_norm(
                y.float(), self.norm.normalized_shape, self.norm.weight, self.norm.bias, self.norm.eps
            )
        return torch.ops.aten.gelu_(y)  # type: ignore[no-any-return]

    def _normalised_over_time(self, windows: Tensor, norm: nn.GroupNorm) -> Tensor:
        """Each output channel with zero mean and unit variance, then scaled: (n, k * c) to (n, o).

        A bias would only move the mean, which is taken away.
        """
        exact, weights = windows.double(), self.weights[0].double()
        mean = exact.mean(dim=0)
        covariance = exact.T @ exact / len(exact) - mean.outer(mean)
        variance = ((covariance @ weights) * weights).sum(dim=0).clamp_min(0.0)
        gain = norm.weight / (variance + norm.eps).sqrt()
        shift = norm.bias - mean @ weights * gain
        return torch.addmm(shift.float(), windows, (weights * gain).float())

    def _three_taps(self, x: Tensor) -> Tensor:
        """Stride 2: with rows a to e and taps w, ``y0 = aw0 + bw1 + cw2`` and ``y1 = cw0 + dw1 + ew2``.

        ``c(w0 + w2)`` is part of both; ``(a - c)w0`` and ``(e - c)w2`` are what is missing, and the odd rows' share.
        """
        first, middle, last, outer = self.weights
        (steps, channels), width = x.shape, first.shape[1]
        count = (steps - 3) // 2 + 1
        pairs = count // 2
        y = x.new_empty(count, width)
        if pairs:
            a, c, e = (x.as_strided((pairs, channels), (4 * channels, 1), row * channels) for row in (0, 2, 4))
            even, odd = y[0 : 2 * pairs : 2], y[1 : 2 * pairs : 2]
            shared = _product(c, outer, self.bias)
            even.copy_(shared)
            odd.copy_(shared)
            y[: 2 * pairs].addmm_(x.as_strided((2 * pairs, channels), (2 * channels, 1), channels), middle)
            even.addmm_(a - c, first)
            odd.addmm_(e - c, last)
        if count % 2:
            rows = x[2 * count - 2 : 2 * count + 1].reshape(1, -1)
            y[-1:] = _product(rows, torch.cat([first, middle, last]), self.bias)
        return y


def _identity(weight: Tensor) -> tuple[int, int]:
    """Changes with the weight, unless it was made in inference mode, which counts no changes."""
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version  # noqa: SLF001


def _windows(x: Tensor, taps: int, stride: int) -> Tensor:
    """(t, c) seen as (n, k * c)."""
    steps, channels = x.shape
    return x.as_strided(((steps - taps) // stride + 1, taps * channels), (stride * channels, 1))


def _product(x: Tensor, weights: Tensor, bias: Tensor | None) -> Tensor:
    return x @ weights if bias is None else torch.addmm(bias, x, weights)
