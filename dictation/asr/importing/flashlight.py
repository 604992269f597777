"""flashlight's files beside a CTC network: tokens, lexicon, a KenLM model, a state dict of torchaudio's network.

flashlight (Kahn et al. 2022, arXiv:2201.12465) spells each word of the lexicon in tokens, the separator ``|`` at its
end among them; here these are the sounds of a pronunciation lexicon. A state dict tells most sizes of a network by its
shapes. What it does not tell, as with all published networks of this kind, follows from the others: the strides from
the kernels, the heads from the width, and the place of the norms and whether audio is normalised from the kind of norm
in the convolutions (``torchaudio.pipelines``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.asr.decoding import LEXICON, DecodingParameters
from dictation.asr.front_end import WaveformParameters
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.kenlm_files import by_words, copy_language_model, is_language_model
from dictation.asr.importing.writing import Description, folder_name, staging, write_description, write_lines
from dictation.asr.labels import Labels
from dictation.asr.lexicon import read_lexicon
from dictation.asr.model_folder import ModelFile
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters
from dictation.core.errors import ModelDamaged, ModelImportFailed
from dictation.core.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from torch import Size

    from dictation.asr.importing.weights import TensorStore

TOKENS, LEXICON_FILE = "tokens.txt", "lexicon.txt"
_WEIGHTS_SUFFIXES = frozenset({".safetensors", ".pt", ".pth"})
_BLANKS = ("<blank>", "<blk>", "<pad>", "-", "_")
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
_HEADS: Mapping[int, int] = {768: 12, 1024: 16, 1280: 16, 1920: 16}
_FAIRSEQ_MARKS = (1, 2, 3)
"""Outputs that fairseq's dictionary adds behind the blank: start, padding or end, unknown; no token stands for them."""


def is_flashlight(path: Path) -> bool:
    """Whether a folder has the two text files."""
    return (path / TOKENS).is_file() and (path / LEXICON_FILE).is_file()


def import_flashlight(path: Path, models_folder: Path, job: ImportJob) -> Path:
    """Convert the folder; returns the new model folder.

    Raises:
        ModelImportFailed: naming the file and what is missing, unknown, damaged or does not fit.
        ImportCancelled: if the job says so.
    """
    from dictation.asr.importing.weights import TensorSource, convert_weights, read_tensors, weights_bytes

    weights, language_model = _find(path)
    labels = read_tokens(path / TOKENS)
    store = read_tensors(weights)
    parameters, outputs = read_sizes(weights, store)
    kept = _kept_outputs(path / TOKENS, outputs, len(labels))
    features = WaveformParameters(SAMPLE_RATE_HZ, is_normalised=parameters.is_norm_first)
    decoding = DecodingParameters(kind=LEXICON)
    name = path.resolve().name
    unknown = ("und", "not stated by its source")
    description = Description(name, *unknown, "wav2vec2", parameters, features, labels, decoding)
    source = TensorSource(store, lambda tensor: tensor, weights, kept)
    needed_bytes = weights_bytes(description) + (language_model.stat().st_size if language_model else 0)
    with staging(models_folder, name, needed_bytes) as folder:
        lexicon, words = _copy_lexicon(path / LEXICON_FILE, folder, labels)
        files = {"lexicon": lexicon}
        files["weights"] = convert_weights(source, description, folder, job.part(0.0, 0.6 if language_model else 1.0))
        source.refuse_leftovers(frozenset())
        if language_model:
            files.update(copy_language_model(language_model, None, folder, by_words(words), job.part(0.6, 1.0)).files)
        write_description(folder, description, files)
    return models_folder / folder_name(name)


def read_tokens(path: Path) -> Labels:
    """One token per line, in the order of the network's outputs."""
    try:
        tokens = tuple(path.read_text(encoding="utf-8").split())
        blank = next(token for token in _BLANKS if token in tokens)
        return Labels(tokens, blank, "")
    except StopIteration:
        raise ModelImportFailed(path, f"has no blank token; known are {', '.join(_BLANKS)}") from None
    except (OSError, ValueError) as error:
        raise ModelImportFailed(path, f"is no list of tokens ({error})") from error


def read_sizes(path: Path, store: TensorStore) -> tuple[Wav2Vec2Parameters, int]:
    """The sizes of a wav2vec 2.0 or HuBERT network, and its number of outputs, by the shapes of its tensors."""

    def shape(name: str) -> Size:
        if name not in store:
            raise ModelImportFailed(path, f"lacks the tensor {name!r} of torchaudio's wav2vec 2.0 network")
        return store[name].read().shape

    layers = 1 + max((int(name.split(".")[3]) for name in store if ".transformer.layers." in name), default=-1)
    convolutions = [shape(f"feature_extractor.conv_layers.{index}.conv.weight") for index in range(len(_KERNELS))]
    kernels = tuple(convolution[2] for convolution in convolutions)
    if kernels != _KERNELS:
        raise ModelImportFailed(path, f"its convolutions see {kernels} steps; only {_KERNELS} are known")
    width, heads_of = shape("encoder.feature_projection.projection.weight")[0], _HEADS
    if width not in heads_of:
        raise ModelImportFailed(path, f"its width of {width} tells no number of heads; known are {list(heads_of)}")
    stem = "encoder.transformer.pos_conv_embed.conv."
    stored = ("parametrizations.weight.original1", "weight_v")
    position = shape(stem + next((name for name in stored if stem + name in store), "weight"))
    is_layer_norm = "feature_extractor.conv_layers.1.layer_norm.weight" in store
    parameters = Wav2Vec2Parameters(
        extractor_norm="layer" if is_layer_norm else "group",
        extractor_channels=tuple(convolution[0] for convolution in convolutions),
        extractor_kernels=_KERNELS,
        extractor_strides=_STRIDES,
        extractor_bias="feature_extractor.conv_layers.0.conv.bias" in store,
        width=width,
        heads=heads_of[width],
        ffn_width=shape("encoder.transformer.layers.0.feed_forward.intermediate_dense.weight")[0],
        layers=layers,
        position_kernel=position[2],
        position_groups=width // position[1],
        is_norm_first=is_layer_norm,
    )
    return parameters, shape("aux.bias")[0]


def _find(path: Path) -> tuple[Path, Path | None]:
    """The network and the language model, if there is one."""
    files = [file for file in sorted(path.iterdir()) if file.is_file() and not file.name.startswith(".")]
    weights = [file for file in files if file.suffix in _WEIGHTS_SUFFIXES]
    models = [file for file in files if file not in weights and is_language_model(file)]
    if len(weights) != 1:
        names = ", ".join(file.name for file in weights) or "none"
        raise ModelImportFailed(path, f"must hold one network (.safetensors, .pt or .pth); found: {names}")
    if len(models) > 1:
        raise ModelImportFailed(path, f"holds more than one language model: {', '.join(file.name for file in models)}")
    return weights[0], models[0] if models else None


def _kept_outputs(path: Path, outputs: int, tokens: int) -> tuple[int, ...]:
    """The outputs that tokens stand for."""
    if outputs == tokens:
        return tuple(range(outputs))
    if outputs == tokens + len(_FAIRSEQ_MARKS):
        return tuple(output for output in range(outputs) if output not in _FAIRSEQ_MARKS)
    raise ModelImportFailed(path, f"names {tokens} tokens, but the network has {outputs} outputs")


def _copy_lexicon(source: Path, folder: Path, labels: Labels) -> tuple[ModelFile, tuple[str, ...]]:
    """Copy the lexicon as lines of word and tokens, where a word may come more than once; also return its words."""
    try:
        lines = [" ".join(line.split()) for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
        copied = write_lines(lines, folder / LEXICON_FILE)
        words = read_lexicon(folder / LEXICON_FILE, labels).words
    except (OSError, UnicodeDecodeError) as error:
        raise ModelImportFailed(source, f"cannot be read as UTF-8 text ({error})") from error
    except ModelDamaged as error:
        raise ModelImportFailed(source, str(error).rstrip(".")) from error
    return copied, words
