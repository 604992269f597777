"""wav2vec 2.0, HuBERT and WavLM CTC models in the layout of Hugging Face transformers.

What the configuration may say, and the values that an absent key stands for, are transformers' (``Wav2Vec2Config``,
``HubertConfig``, ``WavLMConfig``). transformers itself is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dictation.asr.decoding import DecodingParameters
from dictation.asr.front_end import WaveformParameters
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.json_file import JsonFile
from dictation.asr.importing.kenlm_files import by_labels, copy_language_model
from dictation.asr.importing.model_card import read_model_card
from dictation.asr.importing.vocabulary import VOCABULARY, Vocabulary, read_vocabulary
from dictation.asr.importing.writing import Description, folder_name, staging, write_description
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters, WavLmParameters
from dictation.core.errors import ModelImportFailed

CONFIGURATION = "config.json"
PREPROCESSOR, PROCESSOR = "preprocessor_config.json", "processor_config.json"
ALPHABET, LANGUAGE_MODEL_FOLDER = "alphabet.json", "language_model"
MODELS: Mapping[str, tuple[str, str]] = {
    "Wav2Vec2ForCTC": ("wav2vec2", "wav2vec2"),
    "HubertForCTC": ("wav2vec2", "hubert"),
    "WavLMForCTC": ("wavlm", "wavlm"),
}
"""By the name of the class: our architecture, and the prefix of its tensors."""
_ONLY_SUPPORTED: Mapping[str, Any] = {
    "hidden_act": "gelu",
    "feat_extract_activation": "gelu",
    "layer_norm_eps": 1e-5,
    "add_adapter": False,
    "adapter_attn_dim": None,
    "conv_pos_batch_norm": False,
    "feat_proj_layer_norm": True,
    "quantization_config": None,
}


def is_hugging_face(path: Path) -> bool:
    """Whether a folder has the layout, whatever the model."""
    return (path / CONFIGURATION).is_file()


def import_hugging_face(path: Path, models_folder: Path, job: ImportJob) -> Path:
    """Convert the folder; returns the new model folder.

    Raises:
        ModelImportFailed: naming the file and what is missing, unknown, damaged or does not fit.
        ImportCancelled: if the job says so.
    """
    from dictation.asr.importing.weights import TensorSource, convert_weights, find_tensors, weights_bytes

    configuration = JsonFile.read(path / CONFIGURATION)
    kind, prefix = _model_class(configuration)
    parameters = read_parameters(configuration, kind)
    features = _read_features(path)
    vocabulary = read_vocabulary(path, configuration.whole_number("vocab_size", 32))
    language_model = _find_language_model(path)
    if language_model:
        _check_alphabet(path / ALPHABET, vocabulary)
    source = TensorSource(find_tensors(path), lambda name: tensor_name(name, prefix), path, vocabulary.outputs)
    decoding = _read_decoding(path / LANGUAGE_MODEL_FOLDER) if language_model else DecodingParameters()
    card = read_model_card(path)
    description = Description(_name(path.absolute()), *card, kind, parameters, features, vocabulary.labels, decoding)
    needed_bytes = weights_bytes(description) + sum(file.stat().st_size for file in language_model)
    with staging(models_folder, description.name, needed_bytes) as folder:
        weights_job = job.part(0.0, 0.6 if language_model else 1.0)
        files = {"weights": convert_weights(source, description, folder, weights_job)}
        source.refuse_leftovers(frozenset({f"{prefix}.masked_spec_embed"}))  # the mask of training
        if language_model:
            model, unigrams = language_model
            found = copy_language_model(model, unigrams, folder, by_labels(vocabulary.labels), job.part(0.6, 1.0))
            files.update(found.files)
        write_description(folder, description, files)
    return models_folder / folder_name(description.name)


def tensor_name(name: str, prefix: str) -> str:
    """Where transformers keeps what our network calls ``name``."""
    for ours, theirs in (
        ("feature_extractor.", f"{prefix}.feature_extractor."),
        ("encoder.feature_projection.", f"{prefix}.feature_projection."),
        ("encoder.transformer.", f"{prefix}.encoder."),
        ("aux.", "lm_head."),
    ):
        if name.startswith(ours):
            name = theirs + name.removeprefix(ours)
    return name.replace(".attention.attention.", ".attention.")  # WavLM


def read_parameters(configuration: JsonFile, kind: str) -> Wav2Vec2Parameters:
    """The sizes of the network; refuses by name what our network cannot do."""
    for key, wanted in _ONLY_SUPPORTED.items():
        value = configuration.values.get(key, wanted)
        if value != wanted:
            raise ModelImportFailed(configuration.path, f"{key} = {value!r} is not supported, only {wanted!r}")
    number, numbers = configuration.whole_number, configuration.whole_numbers
    sizes: dict[str, Any] = {
        "extractor_norm": configuration.text("feat_extract_norm", "group"),
        "extractor_channels": numbers("conv_dim", (512,) * 7),
        "extractor_kernels": numbers("conv_kernel", (10, 3, 3, 3, 3, 2, 2)),
        "extractor_strides": numbers("conv_stride", (5, 2, 2, 2, 2, 2, 2)),
        "extractor_bias": configuration.flag("conv_bias", default=False),
        "width": number("hidden_size", 768),
        "heads": number("num_attention_heads", 12),
        "ffn_width": number("intermediate_size", 3072),
        "layers": number("num_hidden_layers", 12),
        "position_kernel": number("num_conv_pos_embeddings", 128),
        "position_groups": number("num_conv_pos_embedding_groups", 16),
        "is_norm_first": configuration.flag("do_stable_layer_norm", default=False),
    }
    try:
        if kind == "wavlm":
            buckets, furthest = number("num_buckets", 320), number("max_bucket_distance", 800)
            return WavLmParameters(**sizes, position_buckets=buckets, furthest_position=furthest)
        return Wav2Vec2Parameters(**sizes)
    except ValueError as error:
        raise ModelImportFailed(configuration.path, str(error)) from error


def _model_class(configuration: JsonFile) -> tuple[str, str]:
    """Our architecture and the prefix of the tensors, by the class that the configuration names."""
    names = configuration.values.get("architectures")
    known = ", ".join(MODELS)
    if not isinstance(names, list) or len(names) != 1 or names[0] not in MODELS:
        raise ModelImportFailed(configuration.path, f"architectures = {names!r} is none of those known: {known}")
    return MODELS[names[0]]


def _read_features(folder: Path) -> WaveformParameters:
    """What is done to the samples before the network; newer folders state it inside another file."""
    file = JsonFile.read_if_there(folder / PROCESSOR)
    nested = file.values.get("feature_extractor")
    file = JsonFile(file.path, nested) if isinstance(nested, dict) else JsonFile.read(folder / PREPROCESSOR)
    if file.whole_number("feature_size", 1) != 1:
        raise ModelImportFailed(file.path, f"feature_size = {file.values['feature_size']!r}: the input is no waveform")
    try:
        return WaveformParameters(file.whole_number("sampling_rate", 16_000), file.flag("do_normalize", default=True))
    except ValueError as error:
        raise ModelImportFailed(file.path, str(error)) from error


def _find_language_model(path: Path) -> tuple[Path, Path] | tuple[()]:
    """The KenLM file and the list of words of a pyctcdecode folder, if there is one."""
    folder = path / LANGUAGE_MODEL_FOLDER
    if not folder.is_dir():
        return ()
    unigrams = folder / "unigrams.txt"
    others = {unigrams.name, "attrs.json"}
    models = [file for file in sorted(folder.iterdir()) if file.name not in others and not file.name.startswith(".")]
    if len(models) != 1:
        names = ", ".join(file.name for file in models) or "none"
        raise ModelImportFailed(folder, f"must hold one KenLM file beside unigrams.txt and attrs.json; found: {names}")
    if not unigrams.is_file():
        raise ModelImportFailed(unigrams, "is missing")
    return models[0], unigrams


def _read_decoding(folder: Path) -> DecodingParameters:
    """The weights that the language model was tuned to, under pyctcdecode's names."""
    attributes = JsonFile.read_if_there(folder / "attrs.json")
    values = [attributes.values.get(key) for key in ("alpha", "beta")]
    if None in values:
        return DecodingParameters()
    try:
        lm_weight, word_score = (float(value) for value in values if value is not None)
        return DecodingParameters(lm_weight=lm_weight, word_score=word_score)
    except (TypeError, ValueError) as error:
        raise ModelImportFailed(attributes.path, f"alpha and beta are no weights for a search ({error})") from error


def _check_alphabet(path: Path, vocabulary: Vocabulary) -> None:
    """The alphabet that the language model was packed with must be the tokenizer's."""
    labels = JsonFile.read(path).values.get("labels")
    if not isinstance(labels, list):
        raise ModelImportFailed(path, "lacks the list 'labels'")
    letters = {str(label).lower() for label in labels if len(str(label)) == 1} - {" ", "⁇", "|"}
    separators = {vocabulary.labels.blank, vocabulary.labels.word_separator}
    ours = {symbol.lower() for symbol in vocabulary.labels.symbols} - separators
    if different := sorted(letters ^ ours):
        raise ModelImportFailed(path, f"and {VOCABULARY} do not have the same letters: {different[0]!r} is in one only")


def _name(path: Path) -> str:
    """The folder's name; in transformers' cache (``models--OWNER--NAME/snapshots/HASH``) the model's."""
    if path.parent.name == "snapshots" and path.parents[1].name.startswith("models--"):
        return path.parents[1].name.rpartition("--")[2]
    return path.name
