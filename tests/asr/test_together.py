"""Several pieces of audio through a network at once: each gets what it gets alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from dictation.asr.conformer import ConvConformer
from dictation.asr.features import Waveform
from dictation.asr.front_end import WaveformParameters
from dictation.asr.network import ARCHITECTURES, ConvConformerParameters, TandemParameters
from dictation.asr.processor import TorchAcoustics
from dictation.asr.tandem import TandemConformer
from dictation.asr.together import HearsTogether, logits_together, room_samples
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters, WavLmParameters

SAMPLES = (2 * 1600, 1600, 1601, 900, 2 * 1600)
FRAMES = (41, 17, 1, 40, 18, 41)


def _wav2vec2(norm: str, family: type[Wav2Vec2Parameters], **more: int) -> nn.Module:
    parameters = family(
        norm, (16,) * 4, (10, 3, 3, 2), (5, 2, 2, 2), norm == "layer", 24, 3, 48, 2, 9, 3, norm == "layer", **more
    )  # fmt: skip
    kind = "wavlm" if more else "wav2vec2"
    return ARCHITECTURES[kind].build(parameters, 1, 7)


def _tandem() -> nn.Module:
    network = TandemConformer(
        TandemParameters(
            codebooks=3, densities=4, tied_states=7, posteriors=5, width=8, heads=2, ffn_width=12, layers=2,
            kernel_size=5,
        ),
        6, 7,
    )  # fmt: skip
    network.gaussians.slopes.normal_()
    network.gaussians.weights.uniform_(0.01, 1.0)
    network.gaussians.codebook_states.copy_(torch.tensor([2, 4, 1]))
    network.gaussians.pool.uniform_()
    return network


def _waveforms() -> list[Tensor]:
    return [torch.randn(length) for length in SAMPLES]


MAKERS: dict[str, tuple[Callable[[], nn.Module], Callable[[], list[Tensor]]]] = {
    "wav2vec 2.0 base": (lambda: _wav2vec2("group", Wav2Vec2Parameters), _waveforms),
    "wav2vec 2.0 large": (lambda: _wav2vec2("layer", Wav2Vec2Parameters), _waveforms),
    "WavLM base": (
        lambda: _wav2vec2("group", WavLmParameters, position_buckets=8, furthest_position=20), _waveforms
    ),
    "WavLM large": (
        lambda: _wav2vec2("layer", WavLmParameters, position_buckets=8, furthest_position=20), _waveforms
    ),
    "conv-conformer": (
        lambda: ConvConformer(
            ConvConformerParameters(subsampling_channels=5, width=24, heads=3, ffn_width=40, layers=2, kernel_size=5),
            11, 7,
        ),
        lambda: [torch.randn(frames, 11) for frames in FRAMES],
    ),
    "tandem-conformer": (_tandem, lambda: [torch.randn(frames, 6) for frames in FRAMES]),
}  # fmt: skip


def _awaken(network: nn.Module) -> nn.Module:
    """As if trained: no weight is zero, and statistics are not those of a fresh network."""
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.mark.parametrize("kind", MAKERS)
def test_each_piece_gets_what_it_gets_alone(kind: str) -> None:
    torch.manual_seed(3)
    make, make_inputs = MAKERS[kind]
    network, inputs = _awaken(make()), make_inputs()
    assert isinstance(network, HearsTogether)
    with torch.inference_mode():
        together = network.together(inputs)
        alone = [network(one[None])[0] for one in inputs]
    assert [len(one) for one in together] == [len(one) for one in alone]
    assert torch.cat(alone).std() > 0.05  # a comparison of constants would prove nothing
    for one, wanted in zip(together, alone, strict=True):
        torch.testing.assert_close(one, wanted, rtol=0, atol=1e-4)


def test_a_network_that_cannot_tell_filling_from_sound_hears_equal_lengths_together() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.batches: list[tuple[int, ...]] = []

        def forward(self, x: Tensor) -> Tensor:
            self.batches.append(tuple(x.shape))
            return x.cumsum(dim=1)

    network = Reader()
    inputs = [torch.full((length, 2), float(length)) for length in (4, 3, 4, 5, 3, 4)]
    together = logits_together(network, inputs)
    assert sorted(network.batches) == [(1, 5, 2), (2, 3, 2), (3, 4, 2)]
    for one, given in zip(together, inputs, strict=True):
        torch.testing.assert_close(one, given.cumsum(dim=0))


def test_from_samples_to_log_probabilities() -> None:
    torch.manual_seed(4)
    network = _awaken(_wav2vec2("layer", Wav2Vec2Parameters))
    acoustics = TorchAcoustics(Waveform(WaveformParameters(16_000, is_normalised=True)), network)
    clips = [np.random.default_rng(length).normal(size=length).astype(np.float32) for length in SAMPLES]
    together = acoustics.log_probs_of(clips, lambda: None)
    for one, clip in zip(together, clips, strict=True):
        np.testing.assert_allclose(one, acoustics.log_probs(clip, lambda: None), rtol=0, atol=1e-4)
        np.testing.assert_allclose(np.exp(one).sum(axis=1), 1, rtol=1e-5)
    assert acoustics.room_samples() == 0  # on the CPU there is nothing to gain


def test_a_batch_may_take_half_of_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (7 << 30, 24 << 30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _device: 2 << 30)  # of which torch could give 1 GiB again
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: 1 << 30)
    assert room_samples("cuda:0", precision_bytes=2) == 2 << 20  # 131 s
    assert room_samples("cuda:0", precision_bytes=4) == 1 << 20
    assert room_samples("mps", precision_bytes=4) == 0
