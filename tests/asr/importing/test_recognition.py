"""An imported model is recognised with like any other, and reads what transformers reads with the same weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dictation.asr.importing import import_model
from dictation.asr.recognizer import Effort, Recognizer
from dictation.core.errors import ModelDamaged
from dictation.core.records import Samples
from dictation.core.settings import RecognizerSettings
from tests.support.hugging_face import FAMILIES, write_folder
from tests.support.synth import babble, noise

pytestmark = pytest.mark.model
SETTINGS = RecognizerSettings(processor="cpu")


def read_by_transformers(folder: Path, samples: Samples) -> str:
    """Feature extractor, network, likeliest token of each frame, tokenizer."""
    import torch
    import transformers

    prepare = transformers.Wav2Vec2FeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.Wav2Vec2CTCTokenizer.from_pretrained(folder)
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    network = getattr(transformers, name).from_pretrained(folder).eval()
    with torch.inference_mode():
        logits = network(prepare(samples, sampling_rate=16_000, return_tensors="pt").input_values).logits
    return str(tokenizer.batch_decode(logits.argmax(dim=-1))[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_an_imported_model_reads_what_transformers_reads(family: str, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", family, letters="ETAOINSHRDLU'", loudness=5000.0)
    made = import_model(source, tmp_path / "models", lambda _: None, lambda: False)
    recognizer = Recognizer(made, SETTINGS)
    report = recognizer.load()
    assert report.is_ok
    assert [run.expected for run in report.runs] == [None] * 3
    samples = babble(1.0)
    found = recognizer.recognize(samples)
    assert found.best.text == " ".join(read_by_transformers(source, samples).lower().split())
    assert len(found.best.text) > 10
    words = found.best.words
    assert all(0 <= word.start_s < word.end_s <= found.audio_s for word in words)
    recognizer.close()


def test_next_to_nothing_gives_no_words_and_no_crash(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", loudness=5000.0)
    made = import_model(source, tmp_path / "models", lambda _: None, lambda: False)
    recognizer = Recognizer(made, SETTINGS)
    recognizer.load()
    for frames in (0, 1, made.shortest_samples - 1, made.shortest_samples, made.shortest_samples + 1, 400):
        for effort in Effort:
            found = recognizer.recognize(noise(1.0, -30)[:frames], effort)
            assert found.audio_s == frames / 16_000
            assert found.best.words == () or frames >= made.shortest_samples
    recognizer.close()


def test_a_network_that_computes_nonsense_is_refused(tmp_path: Path) -> None:
    """Weights may be finite and what is computed with them not: here the last norm overflows."""
    from safetensors.torch import load_file, save_file

    source = write_folder(tmp_path / "source")
    tensors = load_file(source / "model.safetensors")
    tensors["wav2vec2.encoder.layers.2.final_layer_norm.weight"].fill_(3e38)
    save_file(tensors, source / "model.safetensors")
    made = import_model(source, tmp_path / "models", lambda _: None, lambda: False)
    with pytest.raises(ModelDamaged, match="computes values that are not finite numbers"):
        Recognizer(made, SETTINGS).load()


def test_probabilities_are_compared_where_no_text_is_known() -> None:
    from dictation.asr.self_test import are_close, stand_in_clip

    likely = np.log(np.array([[0.7, 0.3], [0.5, 0.5]]))
    assert are_close(likely, likely + 0.01)
    assert not are_close(likely, likely[::-1])
    assert not are_close(np.full_like(likely, np.nan), likely)
    assert not are_close(likely[:1], likely)
    clip = stand_in_clip()
    assert (clip.dtype, clip.shape) == (np.float32, (32_000,))
    assert 0.05 < np.abs(clip).max() < 1
