"""A small random Parakeet (FastConformer) of transformers, exported as NeMo's are, hears here what it hears there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dictation.asr.importing import import_model
from dictation.asr.processor import TorchAcoustics, load_modules
from dictation.asr.recognizer import Recognizer
from dictation.core.settings import RecognizerSettings
from tests.support.onnx_models import NEMO_METADATA, PIECES
from tests.support.synth import babble

pytestmark = pytest.mark.model


def parakeet() -> Any:
    """Two layers of the real architecture; the head is loud, so that each frame has one clear label."""
    import torch
    from transformers import ParakeetCTCConfig, ParakeetForCTC

    encoder = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
        "subsampling_conv_channels": 16, "num_mel_bins": 80,
    }  # fmt: skip
    configuration = ParakeetCTCConfig(
        vocab_size=len(PIECES), pad_token_id=len(PIECES) - 1, encoder_config=encoder, attn_implementation="eager"
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = ParakeetForCTC(configuration).eval()
    made.ctc_head.weight.data *= 60
    return made


def export(network: Any, path: Path) -> None:
    """With NeMo's inputs and output, and the metadata that sherpa-onnx wants."""
    import onnx
    import torch

    class Exported(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, audio_signal: Any, length: Any) -> Any:
            sound = audio_signal.transpose(1, 2)
            mask = torch.arange(sound.shape[1]).unsqueeze(0) < length.unsqueeze(1)
            return self.network(input_features=sound, attention_mask=mask).logits.log_softmax(-1)

    axes = {"audio_signal": {0: "N", 2: "T"}, "length": {0: "N"}, "logprobs": {0: "N", 1: "S"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the older exporter: that it is the older one
        torch.onnx.export(
            Exported().eval(), (torch.randn(1, 80, 200), torch.tensor([200])), path, dynamo=False, opset_version=17,
            input_names=["audio_signal", "length"], output_names=["logprobs"], dynamic_axes=axes,
        )  # fmt: skip
    model = onnx.load(path)
    for key, value in NEMO_METADATA.items():
        model.metadata_props.add(key=key, value=value)
    onnx.save(model, path)


def test_from_the_samples_on_it_gives_what_transformers_gives(tmp_path: Path) -> None:
    import torch
    from transformers import ParakeetFeatureExtractor

    network, folder = parakeet(), tmp_path / "parakeet"
    folder.mkdir()
    export(network, folder / "model.onnx")
    tokens = "".join(f"{token} {number}\n" for number, token in enumerate(PIECES))
    (folder / "tokens.txt").write_text(tokens, encoding="utf-8")
    made = import_model(folder, tmp_path / "models", lambda _: None, lambda: False)
    acoustics = TorchAcoustics(*load_modules(made))
    for count in (1280, 16_000, 31_999):
        samples = babble(2.0)[:count]
        prepared = ParakeetFeatureExtractor()(samples, sampling_rate=16_000, return_tensors="pt")
        with torch.inference_mode():
            logits = network(**prepared).logits[0]
        found = acoustics.log_probs(samples, lambda: None)
        # transformers fills up the hop behind the last whole one and masks it
        wanted = logits[: len(found), 1:].log_softmax(dim=-1).numpy()  # <unk> is left out
        np.testing.assert_allclose(np.exp(found), np.exp(wanted), atol=2e-3)
        assert (found.argmax(axis=1) == wanted.argmax(axis=1)).all()
    recognizer = Recognizer(made, RecognizerSettings(processor="cpu"))
    assert recognizer.load().is_ok
    assert len(recognizer.recognize(babble(2.0)).best.text) > 10
    recognizer.close()
