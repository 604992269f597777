from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.network import ConvConformerParameters, EncoderParameters, load_network
from dictation.core.errors import ModelDamaged
from tests.support.tiny_model import make_tiny_model

REFERENCE = Path(__file__).parent / "data" / "reference.npz"
STARTER_V0 = Path(__file__).resolve().parents[3] / "shared" / "models" / "starter-v0" / "weights.safetensors"


def load(folder: ModelFolder, weights: Path | None = None):
    return load_network(
        folder.architecture,
        folder.architecture_parameters,
        folder.features.mel_bins,
        len(folder.labels),
        weights or folder.required_file("weights"),
    )


@pytest.mark.model
@pytest.mark.skipif(not STARTER_V0.exists(), reason="the shared folder beside the checkout is missing")
def test_logits_equal_the_reference() -> None:
    import torch

    parameters = ConvConformerParameters(
        subsampling_channels=48, width=176, heads=4, ffn_width=704, layers=9, kernel_size=15
    )
    network = load_network("conv-conformer", parameters, 80, 29, STARTER_V0)
    with np.load(REFERENCE) as reference, torch.inference_mode():
        logits = network(torch.from_numpy(reference["features"]).unsqueeze(0))[0].numpy()
        np.testing.assert_allclose(logits, reference["logits"], atol=1e-3)


@pytest.mark.parametrize("frames", [1, 2, 17, 60])
def test_conformer_equals_torchaudio(frames: int) -> None:
    import torch
    from torchaudio import models

    from dictation.asr.conformer import Conformer

    torch.manual_seed(frames)
    theirs = models.Conformer(
        input_dim=24, num_heads=3, ffn_dim=40, num_layers=2, depthwise_conv_kernel_size=5
    ).eval()  # fmt: skip
    for layer in theirs.conformer_layers:  # statistics of a trained network, not of a fresh one
        layer.conv_module.sequential[3].running_mean.normal_()
        layer.conv_module.sequential[3].running_var.uniform_(0.5, 2.0)
    ours = Conformer(EncoderParameters(width=24, heads=3, ffn_width=40, layers=2, kernel_size=5)).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, frames, 24)
    with torch.inference_mode():
        expected, _ = theirs(x, torch.tensor([frames, frames]))
        torch.testing.assert_close(ours(x), expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def tiny(tmp_path: Path) -> ModelFolder:
    return open_model_folder(make_tiny_model(tmp_path / "tiny"))


def test_a_model_of_other_sizes_and_letters_needs_no_code(tiny: ModelFolder) -> None:
    import torch

    with torch.inference_mode():
        assert load(tiny)(torch.randn(1, 41, 10)).shape == (1, 11, 5)


def test_every_tensor_must_fit(tiny: ModelFolder, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(tiny.required_file("weights"))
    other = tmp_path / "other.safetensors"
    save_file({name: tensor for name, tensor in tensors.items() if name != "out.bias"}, other)
    with pytest.raises(ModelDamaged, match=r"lacks the tensor 'out.bias'"):
        load(tiny, other)
    save_file({**tensors, "out.bias": tensors["out.bias"][:3].clone()}, other)
    with pytest.raises(ModelDamaged, match=r"'out.bias' has shape \(3,\), the architecture wants \(5,\)"):
        load(tiny, other)
    save_file({**tensors, "more": tensors["out.bias"].clone()}, other)
    with pytest.raises(ModelDamaged, match="unexpected tensor 'more'"):
        load(tiny, other)


def test_a_file_that_is_no_safetensors_file_is_refused(tiny: ModelFolder, tmp_path: Path) -> None:
    pickled = tmp_path / "weights.safetensors"
    pickled.write_bytes(b"\x80\x04 a pickle would run code, so none is ever read")
    with pytest.raises(ModelDamaged, match="not a readable safetensors file"):
        load(tiny, pickled)
