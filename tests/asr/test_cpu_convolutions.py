"""The convolutions of waveform networks on a CPU give what torchaudio's give."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torchaudio.models.wav2vec2.components import _get_feature_extractor

from dictation.asr.cpu_convolutions import CpuConvolutions

TAPS_AND_STRIDES = [(10, 5), (3, 2), (3, 2), (2, 2), (3, 1)]
SHORTEST = 10 + 5 * (3 - 1 + 2 * (3 - 1 + 2 * (2 - 1 + 2 * (3 - 1))))


def make_layers(norm: str, *, has_bias: bool) -> nn.ModuleList:
    torch.manual_seed(5)
    shapes = [(12, *sizes) for sizes in TAPS_AND_STRIDES]
    extractor = _get_feature_extractor(f"{norm}_norm", shapes, has_bias).eval()
    for parameter in extractor.parameters():
        nn.init.normal_(parameter, std=0.5)
    return extractor.conv_layers


def expected(layers: nn.ModuleList, samples: torch.Tensor) -> torch.Tensor:
    x, lengths = samples[None, None], None
    for layer in layers:
        x, lengths = layer(x, lengths)
    return x[0].T


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("has_bias", [True, False])
@given(length=st.integers(SHORTEST, SHORTEST + 300), offset=st.sampled_from([0.0, 3.0]))
def test_equal_to_torchaudio_at_any_length(norm: str, has_bias: bool, length: int, offset: float) -> None:
    layers = make_layers(norm, has_bias=has_bias)
    samples = torch.randn(length) + offset
    with torch.inference_mode():
        wanted = expected(layers, samples)
        found = CpuConvolutions().extract(list(layers), samples)
    assert wanted.abs().max() > 0.01
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("has_bias", [True, False])
@given(length=st.integers(SHORTEST, SHORTEST + 300))
def test_in_bfloat16_near_to_torchaudio_at_any_length(norm: str, has_bias: bool, length: int) -> None:
    layers = make_layers(norm, has_bias=has_bias)
    samples = torch.randn(length)
    with torch.inference_mode():
        wanted = expected(layers, samples)
        found = CpuConvolutions(torch.bfloat16).extract(list(layers), samples)
    assert (found.dtype, found.shape) == (torch.float32, wanted.shape)
    assert (found - wanted).norm() < 0.03 * wanted.norm()  # 8 bits of mantissa, through five layers


def test_new_weights_are_seen_and_a_copy_begins_anew() -> None:
    layers = make_layers("layer", has_bias=True)
    samples, ours = torch.randn(400), CpuConvolutions()
    with torch.inference_mode():
        ours.extract(list(layers), samples)
    layers.load_state_dict({name: 0.5 * tensor for name, tensor in layers.state_dict().items()})
    with torch.inference_mode():
        torch.testing.assert_close(ours.extract(list(layers), samples), expected(layers, samples), rtol=1e-4, atol=1e-4)
        assert torch.equal(copy.deepcopy(ours).extract(list(layers), samples), ours.extract(list(layers), samples))


def test_silence_is_no_division_by_zero() -> None:
    layers = make_layers("group", has_bias=False)
    with torch.inference_mode():
        found = CpuConvolutions().extract(list(layers), torch.zeros(400))
        torch.testing.assert_close(found, expected(layers, torch.zeros(400)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("capability", "is_faster"), [("DEFAULT", True), ("AVX2", True), ("AVX512", False)])
def test_what_it_is_for(capability: str, is_faster: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    layers = make_layers("group", has_bias=False)
    samples, exact, half = torch.zeros(1, 400), CpuConvolutions(), CpuConvolutions(torch.bfloat16)
    assert not exact.suits(samples, layers)  # with gradients, as training would ask for
    assert not half.suits(samples, layers)
    with torch.inference_mode():
        assert exact.suits(samples, layers) == is_faster
        assert half.suits(samples, layers)
        assert not half.suits(samples.to("meta"), layers)
        assert not half.suits(samples.bfloat16(), layers.bfloat16())
