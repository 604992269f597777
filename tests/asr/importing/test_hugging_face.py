"""Hugging Face folders: equal logits, our labels, and a clear word for everything that does not fit."""
# ruff: noqa: RUF001  # letters of other alphabets are what is tested

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from dictation.asr.importing import ImportCancelled, ImportKind, import_model, recognise_source
from dictation.asr.model_folder import find_models, open_model_folder
from dictation.core.errors import ModelImportFailed
from tests.support.hugging_face import (
    FAMILIES,
    KEPT,
    LETTERS,
    SMALL,
    bring_in,
    make_reference,
    network_of,
    vocabulary,
    write_folder,
    write_tokenizer,
)


def reference_of(path: Path) -> Any:
    import transformers

    name = json.loads((path / "config.json").read_text())["architectures"][0]
    return getattr(transformers, name).from_pretrained(path).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder that is only read; the tests that spoil it take a copy."""
    return write_folder(tmp_path_factory.mktemp("source") / "wav2vec2-small")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(folder, tmp_path / "wav2vec2-small")


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # of transformers' own WavLM
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "variant",
    [
        {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False},
        {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True},
        {"feat_extract_norm": "layer", "do_stable_layer_norm": False, "conv_bias": False},
        {"feat_extract_norm": "group", "do_stable_layer_norm": True, "conv_bias": True},
    ],
    ids=["base", "large", "layer-post", "group-stable"],
)
def test_logits_equal_those_of_transformers(family: str, variant: dict[str, Any], tmp_path: Path) -> None:
    """With and without the mask of a padded batch, every published combination of norms among them."""
    source = write_folder(tmp_path / "source", family, **variant)
    theirs, made = reference_of(source), bring_in(source, tmp_path / "models")
    ours = network_of(made)
    torch.manual_seed(1)
    lengths = torch.tensor([4000, 2500, 900])
    is_sound = torch.arange(4000) < lengths.unsqueeze(1)
    samples = torch.randn(3, 4000) * is_sound
    with torch.inference_mode():
        torch.testing.assert_close(ours(samples), theirs(samples).logits[..., KEPT], rtol=0, atol=1e-4)
        masked, wanted = ours(samples, lengths), theirs(samples, attention_mask=is_sound.long()).logits[..., KEPT]
    torch.testing.assert_close(masked, wanted, rtol=0, atol=1e-4)
    assert masked.std() > 0.05  # a comparison of constants would prove nothing


@pytest.mark.parametrize("family", FAMILIES)
def test_a_masked_batch_gives_each_clip_what_it_gets_alone(family: str, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "source", family, feat_extract_norm="layer", do_stable_layer_norm=True)
    network = network_of(bring_in(source, tmp_path / "models"))
    torch.manual_seed(2)
    clips = [torch.randn(1, length) for length in (3000, 1200)]
    batch = torch.zeros(2, 3000)
    for row, clip in enumerate(clips):
        batch[row, : clip.shape[1]] = clip
    with torch.inference_mode():
        together = network(batch, torch.tensor([3000, 1200]))
        for row, clip in enumerate(clips):
            alone = network(clip)[0]
            torch.testing.assert_close(together[row, : len(alone)], alone, rtol=0, atol=1e-4)


def test_what_the_model_folder_says(folder: Path, tmp_path: Path) -> None:
    (folder / "README.md").write_text("---\nlanguage:\n- eo\nlicense: apache-2.0\n---\n# Model\n", encoding="utf-8")
    made = bring_in(folder, tmp_path / "models")
    assert recognise_source(folder) is ImportKind.HUGGING_FACE
    assert (made.name, made.language, made.licence) == ("wav2vec2-small", "eo", "apache-2.0")
    assert made.labels.symbols == ("<pad>", "|", *LETTERS)
    assert (made.labels.blank, made.labels.word_separator) == ("<pad>", "|")
    assert made.features.build()(torch.tensor([1.0, 3.0])).tolist() == pytest.approx([-1.0, 1.0])
    assert made.frame_s == pytest.approx(160 / 16_000)
    assert made.first_frame_s == pytest.approx(165 / 2 / 16_000)  # 4 steps of 8, 8 wide: 32; of 5, 10 wide: 165 samples
    assert made.shortest_samples == 165
    made.verify()


def test_a_folder_of_the_cache_is_named_for_its_model(copied: Path, tmp_path: Path) -> None:
    """There the files are links, and the folder's own name is a hash."""
    cached = tmp_path / "models--someone--wav2vec2-eo" / "snapshots" / "0123abcd"
    cached.mkdir(parents=True)
    for file in copied.iterdir():
        (cached / file.name).symlink_to(file)
    assert bring_in(cached, tmp_path / "models").name == "wav2vec2-eo"


def test_upper_case_letters_are_read_in_lower_case_and_others_stay(tmp_path: Path) -> None:
    cases = {
        "ETAI'": ("e", "t", "a", "i", "'"),
        "ÄÖÜß9-": ("Ä", "Ö", "Ü", "ß", "9", "-"),  # ß is lower case: so is the text
        "АБВҐЇ": ("а", "б", "в", "ґ", "ї"),
        "ΑΒΣ": ("α", "β", "σ"),
        "אבג": ("א", "ב", "ג"),
        "Aa": ("A", "a"),
        "İI": ("İ", "i"),  # the lower case of İ is two characters
    }
    for number, (letters, symbols) in enumerate(cases.items()):
        source = write_folder(tmp_path / f"source{number}", letters=letters)
        assert bring_in(source, tmp_path / "models").labels.symbols[2:] == symbols


def test_tokens_in_other_places_and_names(copied: Path, tmp_path: Path) -> None:
    """Fine-tuned XLSR models: [PAD] and [UNK] last, sentence marks added behind, another separator."""
    letters = "abcd"
    tokens = {token: number for number, token in enumerate([" ", *letters, "[UNK]", "[PAD]"])}
    model = make_reference("wav2vec2", len(tokens) + 2, **SMALL)
    model.save_pretrained(copied)
    settings = {"pad_token": "[PAD]", "unk_token": {"content": "[UNK]"}, "word_delimiter_token": " "}
    write_tokenizer(copied, tokens, **settings)
    (copied / "added_tokens.json").write_text(json.dumps({"<s>": 7, "</s>": 8}))
    made = bring_in(copied, tmp_path / "models")
    assert made.labels.symbols == (" ", *letters, "[PAD]")
    assert (made.labels.blank, made.labels.word_separator) == ("[PAD]", " ")
    samples = torch.randn(1, 800)
    with torch.inference_mode():
        wanted = model(samples).logits[..., [0, 1, 2, 3, 4, 6]]
        torch.testing.assert_close(network_of(made)(samples), wanted, rtol=0, atol=1e-4)


def test_old_names_of_the_normalised_weight(copied: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(copied / "model.safetensors")
    stem = "wav2vec2.encoder.pos_conv_embed.conv."
    tensors[f"{stem}weight_g"] = tensors.pop(f"{stem}parametrizations.weight.original0")
    tensors[f"{stem}weight_v"] = tensors.pop(f"{stem}parametrizations.weight.original1")
    wanted = network_of(bring_in(copied, tmp_path / "new"))(torch.ones(1, 400))
    save_file(tensors, copied / "model.safetensors")
    torch.testing.assert_close(network_of(bring_in(copied, tmp_path / "old"))(torch.ones(1, 400)), wanted)


def test_shards_and_half_precision(copied: Path, tmp_path: Path) -> None:
    model = reference_of(copied).half()
    (copied / "model.safetensors").unlink()
    model.save_pretrained(copied, max_shard_size="20KB")
    assert len(list(copied.glob("model-*.safetensors"))) > 1
    made = bring_in(copied, tmp_path / "models")
    with torch.inference_mode():
        wanted = model.float()(torch.ones(1, 400)).logits[..., KEPT]
        torch.testing.assert_close(network_of(made)(torch.ones(1, 400)), wanted, rtol=0, atol=1e-4)
    next(copied.glob("model-00002*")).unlink()
    with pytest.raises(ModelImportFailed, match=r"model-00002-of-\d+.safetensors: is not there, though"):
        bring_in(copied, tmp_path / "again")


def test_pytorch_files_are_stored_as_safetensors(copied: Path, tmp_path: Path) -> None:
    torch.save(reference_of(copied).state_dict(), copied / "pytorch_model.bin")
    wanted = network_of(bring_in(copied, tmp_path / "one"))(torch.ones(1, 400))
    (copied / "model.safetensors").unlink()
    made = bring_in(copied, tmp_path / "two")
    torch.testing.assert_close(network_of(made)(torch.ones(1, 400)), wanted)
    assert {file.name for file in made.path.iterdir()} == {"model.toml", "weights.safetensors"}


class Malicious:
    """Unpickled, it makes a folder; a real one would do worse."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.trace,)


@pytest.mark.parametrize("is_old_format", [False, True])
def test_a_pickle_with_code_in_it_is_refused_and_not_run(copied: Path, tmp_path: Path, is_old_format: bool) -> None:
    trace = tmp_path / "trace"
    content = {"lm_head.bias": torch.zeros(3), "payload": Malicious(trace)}
    torch.save(content, copied / "pytorch_model.bin", _use_new_zipfile_serialization=not is_old_format)
    (copied / "model.safetensors").unlink()
    with pytest.raises(ModelImportFailed, match=r"pytorch_model.bin: holds more than tensors") as caught:
        bring_in(copied, tmp_path / "models")
    assert "safetensors" in caught.value.remedy
    assert not trace.exists()


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def spoil_tensor(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no json": (lambda f: (f / "config.json").write_text("{"), r"config.json: is not valid JSON"),
    "a list": (lambda f: (f / "config.json").write_text("[]"), r"config.json: must hold a JSON object"),
    "other class": (
        lambda f: change_json(f / "config.json", architectures=["WhisperForConditionalGeneration"]),
        r"config.json: architectures = \['Whisper.*none of those known: Wav2Vec2ForCTC, HubertForCTC, WavLMForCTC",
    ),
    "no class": (lambda f: change_json(f / "config.json", architectures=None), "architectures = None"),
    "adapter": (lambda f: change_json(f / "config.json", add_adapter=True), "add_adapter = True is not supported"),
    "language adapters": (
        lambda f: change_json(f / "config.json", adapter_attn_dim=16),
        "adapter_attn_dim = 16 is not",
    ),
    "activation": (lambda f: change_json(f / "config.json", hidden_act="relu"), "hidden_act = 'relu' is not supported"),
    "epsilon": (lambda f: change_json(f / "config.json", layer_norm_eps=1e-6), "layer_norm_eps = 1e-06 is not"),
    "norm": (lambda f: change_json(f / "config.json", feat_extract_norm="batch"), "must be 'group' or 'layer'"),
    "heads": (lambda f: change_json(f / "config.json", num_attention_heads=5), r"heads \(5\) must divide width"),
    "no number": (lambda f: change_json(f / "config.json", hidden_size="24"), "'hidden_size' must be a whole number"),
    "convolutions": (lambda f: change_json(f / "config.json", conv_dim=[8, 8]), "one entry for each convolution"),
    "sizes": (
        lambda f: change_json(f / "config.json", hidden_size=32),
        r"has shape \(24, 16\), the configuration asks for \(32, 16\)",
    ),
    "layers": (lambda f: change_json(f / "config.json", num_hidden_layers=4), "lacks the tensor 'wav2vec2.encoder.lay"),
    "fewer layers": (
        lambda f: change_json(f / "config.json", num_hidden_layers=2),
        "model.safetensors: holds the tensor",
    ),
    "no front end": (lambda f: (f / "preprocessor_config.json").unlink(), r"preprocessor_config.json: is missing"),
    "rate": (
        lambda f: change_json(f / "preprocessor_config.json", sampling_rate=8000),
        r"preprocessor_config.json: sample_rate_hz must be 16000",
    ),
    "spectrogram": (lambda f: change_json(f / "preprocessor_config.json", feature_size=80), "the input is no waveform"),
    "no vocabulary": (lambda f: (f / "vocab.json").unlink(), r"vocab.json: is missing"),
    "languages": (lambda f: (f / "vocab.json").write_text('{"eng": {"a": 0}}'), "one vocabulary per language"),
    "too many": (lambda f: change_json(f / "vocab.json", z=99), "'z' has number 99, but the network has 18 outputs"),
    "too few": (
        lambda f: (f / "vocab.json").write_text(json.dumps(vocabulary(LETTERS[:-2]))),
        r"vocab.json: names no token for output 16 of the network's 18",
    ),
    "twice": (lambda f: change_json(f / "vocab.json", z=7), "the same number 7"),
    "phones": (
        lambda f: (f / "vocab.json").write_text(json.dumps({**vocabulary(LETTERS[:-1]), "aɪ": 17})),
        "the token 'aɪ' is not a single letter",
    ),
    "no separator": (
        lambda f: (f / "vocab.json").write_text(
            json.dumps({token.replace("|", "#"): number for token, number in vocabulary().items()})
        ),
        "lacks '|', the token between words",
    ),
    "no weights": (
        lambda f: (f / "model.safetensors").unlink(),
        "holds neither model.safetensors nor pytorch_model.bin",
    ),
    "cut weights": (lambda f: cut(f / "model.safetensors"), "model.safetensors: is not a whole safetensors file"),
    "infinite": (
        lambda f: spoil_tensor(f, lambda t: t["lm_head.bias"].fill_(float("nan"))),
        "model.safetensors: 'lm_head.bias' holds infinite numbers",
    ),
    "quantised": (
        lambda f: spoil_tensor(f, lambda t: t.update({"lm_head.bias": t["lm_head.bias"].to(torch.int8)})),
        "'lm_head.bias' is torch.int8: quantised weights are not supported",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_does_not_fit_is_named(name: str, copied: Path, tmp_path: Path) -> None:
    spoil, words = SPOILED[name]
    spoil(copied)
    with pytest.raises(ModelImportFailed, match=words):
        bring_in(copied, tmp_path / "models")
    assert not list((tmp_path / "models").glob("*"))  # nothing is left, hidden or not


@pytest.mark.parametrize("content", [b"", b"not a pickle at all", b"PK\x03\x04 cut"])
def test_a_damaged_pytorch_file_is_named(content: bytes, copied: Path, tmp_path: Path) -> None:
    (copied / "model.safetensors").unlink()
    (copied / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ModelImportFailed, match=r"pytorch_model.bin: "):
        bring_in(copied, tmp_path / "models")


def test_progress_grows_and_cancelling_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    fractions: list[float] = []
    import_model(folder, models, fractions.append, lambda: False)
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    shutil.rmtree(models)
    with pytest.raises(ImportCancelled):
        import_model(folder, models, fractions.append, lambda: len(list(models.glob(".*/model/weights*"))) > 0)
    assert not list(models.iterdir())


def test_no_half_model_is_ever_seen(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = tmp_path / "models"
    monkeypatch.setattr("dictation.asr.model_folder.model_roots", lambda: (models,))
    seen: list[int] = []
    made = import_model(folder, models, lambda _: seen.append(len(find_models())), lambda: False)
    assert set(seen[:-1]) == {0}
    assert [model.path for model in find_models()] == [made.path]


def test_a_model_of_that_name_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    made = bring_in(folder, tmp_path / "models")
    with pytest.raises(ModelImportFailed, match="wav2vec2-small: is already there"):
        bring_in(folder, tmp_path / "models")
    open_model_folder(made.path).verify()


def test_a_full_disk_is_said_before_anything_is_written(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(ModelImportFailed, match="MB are needed, 0 MB are free") as caught:
        bring_in(folder, tmp_path / "models")
    assert "Free some space" in caught.value.remedy
