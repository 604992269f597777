"""Random wav2vec 2.0, HuBERT and WavLM networks in transformers' own layout, small or of the published sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dictation.asr.importing import import_model
from dictation.asr.model_folder import ModelFolder
from dictation.asr.network import load_network

FAMILIES = ("wav2vec2", "hubert", "wavlm")
SMALL: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "conv_dim": [12, 12, 16],
    "conv_kernel": [10, 8, 4],
    "conv_stride": [5, 8, 4],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}
LARGE: dict[str, Any] = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}
PUBLISHED: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2-base": ("wav2vec2", {}),
    "hubert-base": ("hubert", {}),
    "wavlm-base-plus": ("wavlm", {}),
    "wav2vec2-large-lv60": ("wav2vec2", {**LARGE, "conv_bias": True}),
    "hubert-large": ("hubert", {**LARGE, "conv_bias": True}),
    "hubert-xlarge": (
        "hubert",
        {**LARGE, "conv_bias": True, "hidden_size": 1280, "num_hidden_layers": 48, "intermediate_size": 5120},
    ),
    "wavlm-large": ("wavlm", {**LARGE, "conv_bias": False}),
}
"""Families and sizes that were published, by what transformers' defaults (the base sizes) do not say."""
LETTERS = "etaoinshrdlu'"
KEPT = [0, *range(4, 5 + len(LETTERS))]
"""The outputs that remain of the vocabulary: without sentence marks and the unknown letter."""


def make_reference(family: str, output_count: int, seed: int = 0, **sizes: Any) -> Any:
    """A transformers model with random weights of a plausible spread, in evaluation mode."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    names = {"wav2vec2": "Wav2Vec2", "hubert": "Hubert", "wavlm": "WavLM"}
    configuration = getattr(transformers, f"{names[family]}Config")(vocab_size=output_count, **sizes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, f"{names[family]}ForCTC")(configuration)
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 or "gru_rel_pos" in name:  # norms and biases begin as ones and zeros
                parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def vocabulary(letters: str = LETTERS) -> dict[str, int]:
    """Tokens as fairseq's dictionaries order them: blank, sentence marks, unknown, separator, letters."""
    return {token: number for number, token in enumerate(["<pad>", "<s>", "</s>", "<unk>", "|", *letters])}


def write_folder(
    path: Path, family: str = "wav2vec2", letters: str = LETTERS, *, loudness: float = 1.0, **sizes: Any
) -> Path:
    """A whole folder of a small network as ``save_pretrained`` of model, tokenizer and feature extractor leaves it.

    With a ``loudness`` of 5000 the logits are so far apart that a beam search finds the likeliest token of each frame;
    those that are no text are kept out of reach, as training does.
    """
    model = make_reference(family, len(vocabulary(letters)), **{**SMALL, **sizes})
    model.lm_head.weight.data *= loudness
    if loudness > 1:
        model.lm_head.bias.data[1:4] = -1e9
    return save_folder(path, model, letters)


def save_folder(path: Path, model: Any, letters: str = LETTERS) -> Path:
    """Write a network with outputs for these letters, its tokenizer and its feature extractor."""
    model.save_pretrained(path)
    write_tokenizer(path, vocabulary(letters))
    (path / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": True, "feature_size": 1, "sampling_rate": 16_000, "return_attention_mask": False})
    )
    return path


def write_tokenizer(path: Path, tokens: dict[str, int], **settings: Any) -> None:
    """The tokenizer's files."""
    (path / "vocab.json").write_text(json.dumps(tokens), encoding="utf-8")
    (path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")


def bring_in(path: Path, models: Path) -> ModelFolder:
    """Import a folder without anybody watching."""
    return import_model(path, models, lambda _: None, lambda: False)


def network_of(folder: ModelFolder) -> Any:
    """The network of a model folder, in evaluation mode."""
    return load_network(
        folder.architecture,
        folder.architecture_parameters,
        folder.features.width,
        len(folder.labels),
        folder.required_file("weights"),
    )
