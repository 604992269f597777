"""A streaming transducer: Emformer encoder, LSTM predictor, joiner; only for inference, one utterance at a time.

Shi et al. 2021, "Emformer: Efficient Memory Transformer Based Acoustic Model For Low Latency Streaming Speech
Recognition" (arXiv:2010.10759), without memory; Graves 2012, "Sequence Transduction with Recurrent Neural Networks"
(arXiv:1211.3711). Tensors are named as in ``torchaudio.models.RNNT``, with which tests compare the values. It is
written out because torchaudio's encoder refuses a last segment that is shorter, takes one segment at a time when it
streams, and changes the states that it is given, so that nothing could be tried and taken back.

Shapes: u frames, r frames of right context, l frames of left context, d width of the encoder, e of the encodings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from dictation.asr.transducer.parameters import EmformerRnntParameters

LSTM_NORM_EPSILON = 1e-3
"""As torchaudio's ``emformer_rnnt_base`` was trained."""

Keys = tuple[Tensor, Tensor]
"""Keys and values of attention, (l, d) each."""
LeftContext = tuple[Keys, ...]
"""What each layer looks back at; never changed in place."""


class EmformerRnnt(nn.Module):
    """The three networks; which of them is called when is the search's business."""

    def __init__(self, parameters: EmformerRnntParameters, width: int, label_count: int) -> None:
        super().__init__()
        self.transcriber = Transcriber(parameters, width)
        self.predictor = Predictor(parameters, label_count)
        self.joiner = Joiner(parameters.encoding_width, label_count)


class Transcriber(nn.Module):
    """Features to encodings, segment by segment."""

    def __init__(self, parameters: EmformerRnntParameters, width: int) -> None:
        super().__init__()
        self._form = parameters
        self.input_linear = nn.Linear(width, parameters.reduced_width, bias=False)
        self.transformer = Emformer(parameters)
        self.output_linear = nn.Linear(parameters.width, parameters.encoding_width)
        self.layer_norm = nn.LayerNorm(parameters.encoding_width)

    def forward(
        self, features: Tensor, left: LeftContext | None = None, kept_frames: int = 0
    ) -> tuple[Tensor, LeftContext]:
        """Encode segments that follow one another; in one call or in many, the result is the same.

        Args:
            features: Shape (hops, bands), from the first hop of a segment on; the last ``right_context_hops`` of them
                are only looked at. Hops that fill no frame are left out. The last segment may be shorter.
            left: What an earlier call returned; None at the start of an utterance.
            kept_frames: How many of these frames, whole segments, come before the next call's.

        Returns:
            Encodings (u, e), and what the next call looks back at.
        """
        form = self._form
        hops = len(features) - len(features) % form.hops_per_frame
        stacked = self.input_linear(features[:hops]).reshape(-1, form.width)  # (u + right context, d)
        body = stacked[: len(stacked) - form.right_context_frames]  # (u, d)
        ends = [
            min(start + form.segment_frames, len(body)) for start in range(0, len(body), form.segment_frames)
        ]  # one past each segment
        ahead = torch.cat([stacked[end : end + form.right_context_frames] for end in ends])  # (r, d)
        view = View.of(form, len(body), len(ends), 0 if left is None else len(left[0][0]))
        body, keys = self.transformer(ahead, body, left, view)
        encodings: Tensor = self.layer_norm(self.output_linear(body))
        dropped = len(body) - kept_frames
        return encodings, tuple(_before(one, dropped, form.left_context_frames) for one in keys)


@dataclass(frozen=True)
class View:
    """Who sees whom: rows are (right context, frames), columns (right context, left context, frames).

    A segment's frames, and its right context, see that right context, themselves, and ``left_context_frames`` before.
    """

    mask: Tensor | None
    """True where a row sees a column, (r + u, r + l + u); None if all do."""

    @classmethod
    def of(cls, form: EmformerRnntParameters, frames: int, segments: int, left_frames: int) -> View:
        """The view of ``frames`` in ``segments`` after ``left_frames``."""
        if segments == 1:
            return cls(None)
        segment_ahead = torch.arange(segments).repeat_interleave(form.right_context_frames)  # (r,)
        segment_of = torch.arange(frames) // form.segment_frames  # (u,)
        row = torch.cat((segment_ahead, segment_of))[:, None]  # (r + u, 1)
        position = torch.arange(-left_frames, frames)[None]  # (1, l + u)
        is_seen = (position >= row * form.segment_frames - form.left_context_frames) & (
            position < (row + 1) * form.segment_frames
        )
        return cls(torch.cat((row == segment_ahead[None], is_seen), dim=1))


class Emformer(nn.Module):
    """The layers, one after the other."""

    def __init__(self, parameters: EmformerRnntParameters) -> None:
        super().__init__()
        self.emformer_layers = nn.ModuleList(EmformerLayer(parameters) for _ in range(parameters.layers))

    def forward(
        self, ahead: Tensor, body: Tensor, left: LeftContext | None, view: View
    ) -> tuple[Tensor, list[Keys]]:  # fmt: skip
        """Map right context (r, d) and frames (u, d) to frames, with each layer's keys of left context and frames."""
        kept: list[Keys] = []
        for index, layer in enumerate(self.emformer_layers):
            ahead, body, keys = layer(ahead, body, None if left is None else left[index], view)
            kept.append(keys)
        return body, kept


class EmformerLayer(nn.Module):
    """Attention over a segment, what follows it and what came before; then a feed-forward module."""

    def __init__(self, parameters: EmformerRnntParameters) -> None:
        super().__init__()
        width, ffn_width = parameters.width, parameters.ffn_width
        self.attention = Attention(width, parameters.heads)
        self.pos_ff = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, ffn_width), nn.GELU(), nn.Identity(), nn.Linear(ffn_width, width)
        )  # the identity holds the place of training's dropout, and so the tensors' names
        self.layer_norm_input = nn.LayerNorm(width)
        self.layer_norm_output = nn.LayerNorm(width)

    def forward(self, ahead: Tensor, body: Tensor, left: Keys | None, view: View) -> tuple[Tensor, Tensor, Keys]:
        """Map right context (r, d) and frames (u, d) to the same, and give the keys of left context and frames."""
        x = torch.cat((ahead, body))  # (r + u, d)
        past = (body[:0], body[:0]) if left is None else left
        attended, keys = self.attention(self.layer_norm_input(x), len(ahead), past, view.mask)
        x = x + attended
        x = self.layer_norm_output(x + self.pos_ff(x))
        return x[: len(ahead)], x[len(ahead) :], keys


class Attention(nn.Module):
    """Multi-head attention whose keys of earlier frames are given."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads = heads
        self.emb_to_key_value = nn.Linear(width, 2 * width)
        self.emb_to_query = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, ahead: int, past: Keys, mask: Tensor | None) -> tuple[Tensor, Keys]:
        """Map (r + u, d), the first ``ahead`` of them right context, to the same, and give the keys of (l + u, d)."""
        keys, values = self.emb_to_key_value(x).chunk(2, dim=1)
        kept = torch.cat((past[0], keys[ahead:])), torch.cat((past[1], values[ahead:]))
        seen_keys, seen_values = torch.cat((keys[:ahead], kept[0])), torch.cat((values[:ahead], kept[1]))
        attended = functional.scaled_dot_product_attention(
            self._split(self.emb_to_query(x)), self._split(seen_keys), self._split(seen_values), attn_mask=mask
        )  # (heads, r + u, d / heads)
        return self.out_proj(attended.transpose(0, 1).reshape(x.shape)), kept

    def _split(self, x: Tensor) -> Tensor:
        """By head: (time, d) to (heads, time, d / heads)."""
        return x.reshape(len(x), self._heads, -1).transpose(0, 1)


class Predictor(nn.Module):
    """Symbols so far to an encoding: an LSTM whose gates and cells are normalised."""

    def __init__(self, parameters: EmformerRnntParameters, label_count: int) -> None:
        super().__init__()
        width = parameters.symbol_width
        self._state_shape = (parameters.lstm_layers, 2, width)
        self.embedding = nn.Embedding(label_count, width)
        self.input_layer_norm = nn.LayerNorm(width)
        self.lstm_layers = nn.ModuleList(NormedLstm(width) for _ in range(parameters.lstm_layers))
        self.linear = nn.Linear(width, parameters.encoding_width)
        self.output_layer_norm = nn.LayerNorm(parameters.encoding_width)

    def first_state(self) -> Tensor:
        """The state before any symbol, shape (1, layers, 2, width)."""
        return self.linear.weight.new_zeros(1, *self._state_shape)

    def forward(self, symbols: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Take one more symbol for each of some readings.

        Args:
            symbols: Their newest symbols, shape (readings,).
            states: Their states before it, shape (readings, layers, 2, width).

        Returns:
            Encodings (readings, e), and the states after it.
        """
        x = self.input_layer_norm(self.embedding(symbols))
        new_states = []
        for index, layer in enumerate(self.lstm_layers):
            x, cell = layer(x, states[:, index, 0], states[:, index, 1])
            new_states.append(torch.stack((x, cell), dim=1))
        encodings: Tensor = self.output_layer_norm(self.linear(x))
        return encodings, torch.stack(new_states, dim=1)


class NormedLstm(nn.Module):
    """One step of an LSTM layer with layer normalisation (Ba et al. 2016, arXiv:1607.06450)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.x2g = nn.Linear(width, 4 * width, bias=False)
        self.p2g = nn.Linear(width, 4 * width, bias=False)
        self.c_norm = nn.LayerNorm(width, eps=LSTM_NORM_EPSILON)
        self.g_norm = nn.LayerNorm(4 * width, eps=LSTM_NORM_EPSILON)

    def forward(self, x: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Map input, hidden state and cell, shape (readings, width) each, to hidden state and cell."""
        gates = self.g_norm(self.x2g(x) + self.p2g(hidden))
        into, forget, new, out = gates.chunk(4, dim=1)
        cell = self.c_norm(forget.sigmoid() * cell + into.sigmoid() * new.tanh())
        return out.sigmoid() * cell.tanh(), cell


class Joiner(nn.Module):
    """Encodings of sound and of symbols to the logits of the next symbol."""

    def __init__(self, width: int, label_count: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, label_count)

    def forward(self, heard: Tensor, predicted: Tensor) -> Tensor:
        """Map a frame's encoding (e,) and those of readings (readings, e) to logits (readings, labels)."""
        logits: Tensor = self.linear((heard + predicted).relu())
        return logits


def _before(keys: Keys, dropped: int, most: int) -> Keys:
    """The last ``most`` frames once ``dropped`` are taken off the end, as tensors of their own."""
    end = len(keys[0]) - dropped
    start = max(0, end - most)
    return keys[0][start:end].clone(), keys[1][start:end].clone()
