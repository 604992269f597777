"""tokens.txt, lexicon.txt and a KenLM model beside a state dict of torchaudio's network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dictation.asr.importing import ImportKind, import_language_model, import_model, recognise_source
from dictation.asr.model_folder import ModelFolder
from dictation.asr.network import load_network
from dictation.asr.recognizer import Recognizer
from dictation.core.errors import ModelImportFailed
from dictation.core.settings import RecognizerSettings
from tests.support.arpa import arpa
from tests.support.synth import babble

TOKENS = ["-", "|", "e", "t", "a", "n"]
ARPA = arpa(
    {"</s>": (-1.0,), "<s>": (-99, 0), "<unk>": (-2.0,), "tea": (-1.0, 0), "ten": (-1.0, 0)},
    {"tea ten": -0.5},
)


def network(outputs: int, norm: str = "group", seed: int = 0) -> Any:
    """torchaudio's own, of a published width but otherwise as small as can be."""
    from torchaudio.models import wav2vec2_model

    shapes = [(8, kernel, stride) for kernel, stride in zip([10, 3, 3, 3, 3, 2, 2], [5] + [2] * 6, strict=True)]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = wav2vec2_model(
            extractor_mode=f"{norm}_norm",
            extractor_conv_layer_config=shapes,
            extractor_conv_bias=norm == "layer",
            encoder_embed_dim=768,
            encoder_projection_dropout=0.0,
            encoder_pos_conv_kernel=16,
            encoder_pos_conv_groups=16,
            encoder_num_layers=1,
            encoder_num_heads=12,
            encoder_attention_dropout=0.0,
            encoder_ff_interm_features=16,
            encoder_ff_interm_dropout=0.0,
            encoder_dropout=0.0,
            encoder_layer_norm_first=norm == "layer",
            encoder_layer_drop=0.0,
            aux_num_out=outputs,
        )
    made.aux.weight.data *= 100
    return made.eval()


def write_folder(path: Path, made: Any) -> Path:
    path.mkdir()
    torch.save(made.state_dict(), path / "network.pth")
    (path / "tokens.txt").write_text("\n".join(TOKENS) + "\n")
    (path / "lexicon.txt").write_text("tea\tt e a |\nten\tt e n |\na\ta |\n\n")
    (path / "lm.arpa").write_text(ARPA)
    return path


def bring_in(path: Path, models: Path) -> ModelFolder:
    return import_model(path, models, lambda _: None, lambda: False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "flapi", network(len(TOKENS)))


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("marks", [0, 3])
def test_logits_equal_torchaudio_s(norm: str, marks: int, tmp_path: Path) -> None:
    """With the three outputs that fairseq adds behind the blank, or without."""
    theirs = network(len(TOKENS) + marks, norm)
    source = write_folder(tmp_path / "flapi", theirs)
    made = bring_in(source, tmp_path / "models")
    parameters: Any = made.architecture_parameters
    ours = load_network(made.architecture, parameters, 1, len(made.labels), made.required_file("weights"))
    kept = [0, *range(1 + marks, len(TOKENS) + marks)]
    samples = torch.randn(1, 4000, generator=torch.Generator().manual_seed(1))  # the weights are seeded too
    with torch.inference_mode():
        # These logits reach 50, where float32 is rounded to 4e-6: other instructions (AVX-512) make 1.2e-4 of that.
        torch.testing.assert_close(ours(samples), theirs(samples)[0][..., kept], rtol=1e-5, atol=1e-4)
    assert recognise_source(source) is ImportKind.FLASHLIGHT
    assert (parameters.heads, parameters.samples_per_frame, parameters.position_groups) == (12, 320, 16)
    assert made.features.is_normalised is (norm == "layer")


@pytest.mark.model
def test_only_words_of_the_lexicon_are_recognised(folder: Path, tmp_path: Path) -> None:
    made = bring_in(folder, tmp_path / "models")
    made.verify()
    assert (made.decoding.kind, made.labels.word_separator) == ("lexicon", "")
    recognizer = Recognizer(made, RecognizerSettings(processor="cpu"))
    assert recognizer.load().is_ok
    text = recognizer.recognize(babble(2.0)).best.text
    recognizer.close()
    assert set(text.split()) <= {"tea", "ten", "a"}


def test_a_folder_without_a_language_model_will_do(folder: Path, tmp_path: Path) -> None:
    (folder / "lm.arpa").unlink()
    assert bring_in(folder, tmp_path / "models").file("language_model") is None


def test_its_language_model_can_be_replaced_by_one_with_other_words(folder: Path, tmp_path: Path) -> None:
    """The letters of the lexicon's words spell them, not the tokens."""
    made = bring_in(folder, tmp_path / "models")
    other = tmp_path / "other.arpa"
    other.write_text(ARPA.replace("ten", "zehn"), encoding="utf-8")
    changed = import_language_model(other, made, tmp_path / "models", lambda _: None, lambda: False)
    words = changed.file("unigrams")
    assert words is not None
    assert words.read_text(encoding="utf-8").split() == ["tea", "zehn"]
    assert changed.decoding.kind == "lexicon"
    changed.verify()


def test_a_language_model_of_another_alphabet_is_refused(folder: Path, tmp_path: Path) -> None:
    """Every word of it would be unknown to the lexicon."""
    cyrillic = ARPA.replace("tea", "чай").replace("ten", "десять")
    made = bring_in(folder, tmp_path / "models")
    (tmp_path / "russian.arpa").write_text(cyrillic, encoding="utf-8")
    with pytest.raises(ModelImportFailed, match="another alphabet: this model's letters spell 0 of its 2 words"):
        import_language_model(tmp_path / "russian.arpa", made, tmp_path / "models", lambda _: None, lambda: False)
    made.verify()
    (folder / "lm.arpa").write_text(cyrillic, encoding="utf-8")
    with pytest.raises(ModelImportFailed, match=r"lm\.arpa: belongs to another alphabet"):
        bring_in(folder, tmp_path / "others")


def spoil_weights(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    tensors = torch.load(folder / "network.pth", weights_only=True)
    change(tensors)
    torch.save(tensors, folder / "network.pth")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "network.pth").unlink(), "must hold one network .* found: none"),
        (lambda f: (f / "more.pt").write_bytes(b""), r"found: more.pt, network.pth"),
        (lambda f: (f / "more.arpa").write_text(ARPA), "more than one language model: lm.arpa, more.arpa"),
        (lambda f: (f / "tokens.txt").write_text("a b c"), r"tokens.txt: has no blank token"),
        (lambda f: (f / "tokens.txt").write_text("- a a"), r"tokens.txt: .*an entry twice"),
        (lambda f: (f / "tokens.txt").write_text("- | e t a n s o"), "names 8 tokens, but the network has 6 outputs"),
        (lambda f: (f / "lexicon.txt").write_text("tea t e a |\nzoo z o o |\n"), r"lexicon.txt: Line 2 .*'z'"),
        (lambda f: (f / "lexicon.txt").write_text("tea\n"), r"lexicon.txt: Line 1 .*'tea' has no sounds"),
        (lambda f: (f / "lexicon.txt").write_bytes(b"\xff"), r"lexicon.txt: cannot be read as UTF-8 text"),
        (lambda f: (f / "lm.arpa").write_text(ARPA.replace("\\end\\", "")), r"lm.arpa: is truncated"),
        (lambda f: spoil_weights(f, lambda t: t.pop("aux.bias")), r"network.pth: lacks the tensor 'aux.bias'"),
        (
            lambda f: spoil_weights(f, lambda t: t.pop("encoder.transformer.layers.0.layer_norm.bias")),
            r"network.pth: lacks the tensor 'encoder.transformer.layers.0.layer_norm.bias'",
        ),
        (lambda f: spoil_weights(f, lambda t: t.update(more=torch.zeros(1))), "holds the tensor 'more'"),
        (
            lambda f: spoil_weights(
                f, lambda t: t.update({"feature_extractor.conv_layers.6.conv.weight": torch.zeros(8, 8, 4)})
            ),
            r"its convolutions see \(10, 3, 3, 3, 3, 2, 4\) steps",
        ),
        (
            lambda f: spoil_weights(
                f, lambda t: t.update({"encoder.feature_projection.projection.weight": torch.zeros(100, 8)})
            ),
            "its width of 100 tells no number of heads",
        ),
    ],
)
def test_what_does_not_fit_is_named(spoil: Callable[[Path], object], words: str, folder: Path, tmp_path: Path) -> None:
    spoil(folder)
    with pytest.raises(ModelImportFailed, match=words):
        bring_in(folder, tmp_path / "models")
    assert not list((tmp_path / "models").glob("*"))
