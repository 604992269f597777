"""A CTC network over the judgement of an older acoustic model: Gaussian posteriors beside the log-mel features.

The reverse of tandem features (Hermansky, Ellis and Sharma 2000, "Tandem connectionist feature extraction for
conventional HMM systems"): here the Gaussians come first. They are phonetically tied (one codebook of densities per
phone, shared by all its tied states, Huang et al. 1991's semi-continuous models made narrower), as in CMU Sphinx,
and were trained on far more speech than a small corpus has. The network learns to correct them. All of it is buffers
of the module, so the weights file holds everything.

Shapes: b batch, t feature frames of 10 ms, n output frames (t / 3, rounded up), m mel bins, s tied states, g densities
of all codebooks together, p pooled posteriors, d width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from dictation.asr.conformer import Conformer
from dictation.asr.network import HOPS_PER_TANDEM_FRAME, TandemParameters
from dictation.asr.together import fill_up

CEPSTRA = 13
STREAMS = 3
"""Cepstra, their differences, and the differences of those."""
_LIFTER = 22
_LEAST_LIKELIHOOD = 1e-10
LEAST_POSTERIOR = 1e-3
"""Added under the logarithm."""
_LIKELIHOOD_SCALE = 0.25  # neither three streams nor three frames are independent: their product is too sure of itself
_FRAMES_AT_ONCE = 128  # their 5,126 states in three streams are 8 MB: a larger piece is slower


class GaussianPosteriors(nn.Module):
    """Log-mel frames to stacked log-mel frames and pooled log posteriors of the tied states."""

    slopes: Tensor
    offsets: Tensor
    weights: Tensor
    codebook_states: Tensor
    pool: Tensor
    cosines: Tensor

    def __init__(self, parameters: TandemParameters, mel_bins: int) -> None:
        super().__init__()
        densities = parameters.codebooks * parameters.densities
        self._densities = parameters.densities
        self.register_buffer("slopes", torch.zeros(STREAMS, 2 * CEPSTRA, densities))
        self.register_buffer("offsets", torch.zeros(STREAMS, 1, densities))
        self.register_buffer("weights", torch.zeros(STREAMS, parameters.densities, parameters.tied_states))
        self.register_buffer("codebook_states", torch.zeros(parameters.codebooks, dtype=torch.long))
        self.register_buffer("pool", torch.zeros(parameters.tied_states, parameters.posteriors))
        self.register_buffer("cosines", _cosines(mel_bins), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (b, t, m) to (b, n, 3 m + p)."""
        batch, frames, _ = features.shape
        count = -(-frames // HOPS_PER_TANDEM_FRAME)
        padding = HOPS_PER_TANDEM_FRAME * count - frames
        filled = torch.cat([features, features[:, -1:].expand(-1, padding, -1)], dim=1)
        stacked = filled.reshape(batch, count, -1)  # (b, n, 3 m)
        posteriors = self._posteriors(features @ self.cosines, count)  # (b, n, p)
        return torch.cat([stacked, 0.5 * (posteriors + LEAST_POSTERIOR).log()], dim=-1)

    def _posteriors(self, cepstra: Tensor, count: int) -> Tensor:
        """Map cepstra (b, t, 13) to pooled posteriors of the tied states (b, n, p), over the three frames of each n."""
        frames = HOPS_PER_TANDEM_FRAME * count
        streams = self._streams(cepstra, frames).flatten(1, 2)  # (3, b 3n, 13)
        scores = torch.cat([self._state_scores(x) for x in torch.split(streams, _FRAMES_AT_ONCE, dim=1)])  # (b 3n, s)
        summed = scores.view(-1, HOPS_PER_TANDEM_FRAME, scores.shape[-1]).sum(dim=1)  # (b n, s)
        pooled: Tensor = (_LIKELIHOOD_SCALE * summed).softmax(dim=-1) @ self.pool  # (b n, p)
        return pooled.view(cepstra.shape[0], count, -1)

    def _state_scores(self, x: Tensor) -> Tensor:
        """Map streams (3, f, 13) to the logarithms of the tied states' likelihoods (f, s), but for a constant."""
        likelihoods = torch.baddbmm(self.offsets, torch.cat([x, x * x], dim=-1), self.slopes)  # (3, f, g), logarithms
        likelihoods.sub_(likelihoods.amax(dim=-1, keepdim=True)).exp_()
        by_codebook = zip(
            torch.split(likelihoods, self._densities, dim=-1),
            torch.split(self.weights, self.codebook_states.tolist(), dim=-1),
            strict=True,
        )
        states = torch.cat([torch.bmm(densities, weights) for densities, weights in by_codebook], dim=-1)  # (3, f, s)
        return states.add_(_LEAST_LIKELIHOOD).prod(dim=0).log_()

    @staticmethod
    def _streams(cepstra: Tensor, frames: int) -> Tensor:
        """Sphinx's three streams of ``frames`` frames (3, b, f, 13); the last one is repeated if there are fewer.

        Differences reach two frames to either side, second differences three.
        """
        more = frames - cepstra.shape[1] + 3
        padded = torch.cat([cepstra[:, :1].expand(-1, 3, -1), cepstra, cepstra[:, -1:].expand(-1, more, -1)], dim=1)

        def at(offset: int) -> Tensor:
            return padded[:, 3 + offset : 3 + offset + frames]

        return torch.stack([at(0), at(2) - at(-2), at(3) - at(-1) - at(1) + at(-3)])


class TandemConformer(nn.Module):
    """Gaussian posteriors, a Conformer encoder, and a linear layer past the encoder."""

    def __init__(self, parameters: TandemParameters, mel_bins: int, label_count: int) -> None:
        super().__init__()
        inputs = HOPS_PER_TANDEM_FRAME * mel_bins + parameters.posteriors
        self.gaussians = GaussianPosteriors(parameters, mel_bins)
        self.norm = nn.BatchNorm1d(inputs, affine=False)
        self.lin = nn.Linear(inputs, parameters.width)
        self.enc = Conformer(parameters)
        self.out = nn.Linear(parameters.width, label_count)
        self.skip = nn.Linear(inputs, label_count)

    def forward(self, features: Tensor) -> Tensor:
        """Map features (b, t, m) to logits (b, n, labels)."""
        return self.classify(self.gaussians(features))

    def together(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Map features of any lengths, (t, m) each, to their logits, (n, labels) each, as if heard alone."""
        heard = [self.gaussians(one.unsqueeze(0))[0] for one in inputs]
        logits = self.classify(*fill_up(heard))
        return [one[: len(own)] for one, own in zip(logits, heard, strict=True)]

    def classify(self, x: Tensor, is_sound: Tensor | None = None) -> Tensor:
        """Map what the Gaussians give (b, n, 3 m + p), which training keeps on disk, to logits (b, n, labels).

        ``is_sound`` (b, n) leaves filled-up frames out of account.
        """
        hidden = self.lin(self.norm(x.transpose(1, 2)).transpose(1, 2))  # (b, n, d)
        logits: Tensor = self.out(self.enc(hidden, is_sound)) + self.skip(x)  # (b, n, labels)
        return logits


def _cosines(mel_bins: int) -> Tensor:
    """The orthonormal DCT-II to 13 cepstra and Sphinx's lifter in one matrix, shape (m, 13)."""
    order = torch.arange(CEPSTRA)
    places = torch.arange(mel_bins) + 0.5
    transform = torch.cos(math.pi / mel_bins * places.unsqueeze(1) * order) * math.sqrt(2 / mel_bins)
    transform[:, 0] = math.sqrt(1 / mel_bins)
    return transform * (1 + _LIFTER / 2 * torch.sin(order * math.pi / _LIFTER))
