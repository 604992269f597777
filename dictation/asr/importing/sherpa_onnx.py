"""CTC networks in ONNX files as NeMo and icefall export them for sherpa-onnx: model.onnx and tokens.txt.

The file's own metadata says what it is (https://k2-fsa.github.io/sherpa/onnx), and what it reads follows from that:

- NeMo's: the features of its ``AudioToMelSpectrogramPreprocessor``. sherpa-onnx takes Kaldi's in their place, with
  Slaney's filters and a Hann window; these are what the networks were trained on.
- icefall's Zipformer: Kaldi's features from 20 to 7600 Hz, as in lhotse and sherpa-onnx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.asr.front_end import FrontEndParameters, KaldiFbankParameters, NemoMelParameters
from dictation.asr.importing.hugging_face import CONFIGURATION
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.kenlm_files import by_labels, copy_language_model, is_language_model
from dictation.asr.importing.model_card import read_model_card
from dictation.asr.importing.tokens import TOKENS, Tokens, read_tokens
from dictation.asr.importing.writing import Description, copy_file, folder_name, staging, write_description
from dictation.asr.model_folder import DESCRIPTION_FILE
from dictation.asr.onnx_parameters import OnnxCtcParameters
from dictation.asr.self_test import stand_in_clip
from dictation.core.errors import ModelDamaged, ModelImportFailed
from dictation.core.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from dictation.asr.onnx_network import OnnxCtc

SUFFIX = ".onnx"
PREFERRED = ("model.onnx", "model.int8.onnx")
"""Of several networks in a folder; the more precise one first."""
MEL_BINS = 80
"""Where neither the input's shape nor the metadata says it."""
_NETWORK = "network.onnx"
_NEMO, _ZIPFORMER = "nemo", "zipformer"
_MODEL_TYPES: Mapping[str, str] = {
    "EncDecCTCModel": _NEMO,
    "EncDecCTCModelBPE": _NEMO,
    "EncDecHybridRNNTCTCModel": _NEMO,
    "EncDecHybridRNNTCTCBPEModel": _NEMO,
    "zipformer2_ctc": _ZIPFORMER,
}
_NORMALISATIONS: Mapping[str, bool] = {"per_feature": True, "": False, "NA": False}
_OTHER_FEATURES = ("is_giga_am", "use_whisper_feature", "use_whisper_features")
"""Marks in the metadata of networks that read features of other kinds."""
_ICEFALL_LOW_HZ, _ICEFALL_HIGH_HZ = 20.0, 7600.0
_ZIPFORMER_GRID = (4, 9, 5.5)
"""Hops per frame; hops that the convolutions before the encoder see, seven, and two more for the encoder to halve their
rate; and the middle of those nine, where a hop's own middle lies half a hop after its start."""


@dataclass(frozen=True)
class _Metadata:
    """The metadata of a file, whose errors name it."""

    path: Path
    values: Mapping[str, str]

    def whole_number(self, key: str, default: int | None = None) -> int:
        """A number of at least 1."""
        text = self.values.get(key, "" if default is None else str(default))
        if not text.isdecimal() or int(text) < 1:
            raise ModelImportFailed(self.path, f"{key} = {text!r} in its metadata is no number of at least 1")
        return int(text)


def is_onnx(path: Path) -> bool:
    """Whether a file is an ONNX network by its name, or a folder holds one, and not as Hugging Face's do."""
    if path.is_dir():
        is_theirs = (path / CONFIGURATION).is_file() and not (path / TOKENS).is_file()
        return not is_theirs and any(path.glob(f"*{SUFFIX}"))
    return path.suffix == SUFFIX and path.is_file()


def import_onnx(path: Path, models_folder: Path, job: ImportJob) -> Path:
    """Copy the network into a new model folder and return that.

    Args:
        path: The folder, or one of the networks in it.
        models_folder: Where model folders lie.
        job: Progress and cancelling.

    Raises:
        ModelImportFailed: naming the file and what is missing, unknown, damaged or does not fit.
        OnnxRuntimeMissing: if the part that runs such networks is not installed.
        ImportCancelled: if the job says so.
    """
    from dictation.asr.onnx_network import OnnxCtc, read_checked

    network = _find_network(path)
    try:
        stated = read_checked(network)
        metadata = _Metadata(network, stated.metadata)
        family = _family(metadata)
        tokens = read_tokens(network.parent / TOKENS)
        parameters = replace(_parameters(family, metadata), silent_outputs=tokens.silent_outputs)
        opened = OnnxCtc(parameters, len(tokens.labels))
        opened.open(network)
    except ModelDamaged as error:
        raise ModelImportFailed(network, _reason(error, network)) from error
    job.checkpoint(0.0)
    features = _features(family, metadata, opened.mel_bins)
    _check_vocabulary(metadata, tokens)
    _try_out(network, opened, features, parameters, tokens)
    card = read_model_card(network.parent)
    description = Description(_name(path, network), *card, "onnx-ctc", parameters, features, tokens.labels)
    return _write(network, sorted(stated.external), description, models_folder, job)


def _find_network(path: Path) -> Path:
    """The network itself, or the one to take of a folder's."""
    if path.is_file():
        return path
    found = {file.name: file for file in sorted(path.glob(f"*{SUFFIX}"))}
    for name in PREFERRED:
        if name in found:
            return found[name]
    if len(found) != 1:
        why = f"holds several networks, none of them named {PREFERRED[0]}: {', '.join(found)}"
        raise ModelImportFailed(path, why, "Import the CTC network alone: dictation models import FOLDER/FILE.onnx.")
    return next(iter(found.values()))


def _name(path: Path, network: Path) -> str:
    """The folder's name; a network that was chosen in it says which."""
    name = network.absolute().parent.resolve().name
    return name if path.is_dir() else f"{name} {network.stem}"


def _family(metadata: _Metadata) -> str:
    """Who trained it, by the metadata; refuses by name what reads other features or gives no CTC labels."""
    kind = metadata.values.get("model_type", "")
    if not kind:
        raise ModelImportFailed(metadata.path, "states no model_type in its metadata, so what it reads is not known")
    if kind not in _MODEL_TYPES:
        known = ", ".join(_MODEL_TYPES)
        raise ModelImportFailed(metadata.path, f"has the model_type {kind!r}, which is none of those known: {known}")
    for key in _OTHER_FEATURES:
        if metadata.values.get(key, "0") not in {"", "0"}:
            why = f"{key} = {metadata.values[key]!r} in its metadata: it reads features of another kind"
            raise ModelImportFailed(metadata.path, why)
    rate_hz = metadata.values.get("sample_rate", str(SAMPLE_RATE_HZ))
    if rate_hz != str(SAMPLE_RATE_HZ):
        raise ModelImportFailed(metadata.path, f"sample_rate = {rate_hz!r} is not supported, only {SAMPLE_RATE_HZ}")
    return _MODEL_TYPES[kind]


def _parameters(family: str, metadata: _Metadata) -> OnnxCtcParameters:
    """How it is fed, and where its frames lie."""
    if family == _ZIPFORMER:
        return OnnxCtcParameters("time-mel", *_ZIPFORMER_GRID)
    hops = metadata.whole_number("subsampling_factor")
    return OnnxCtcParameters("mel-time", hops, max(hops, 2), 0.0)


def _features(family: str, metadata: _Metadata, mel_bins: int | None) -> FrontEndParameters:
    """What it reads."""
    bins = mel_bins or metadata.whole_number("feat_dim", MEL_BINS)
    if family == _ZIPFORMER:
        return KaldiFbankParameters(SAMPLE_RATE_HZ, bins, _ICEFALL_LOW_HZ, _ICEFALL_HIGH_HZ)
    kind = metadata.values.get("normalize_type", "")
    if kind not in _NORMALISATIONS:
        known = "per_feature or none"
        raise ModelImportFailed(metadata.path, f"normalize_type = {kind!r} is not supported, only {known}")
    return NemoMelParameters(SAMPLE_RATE_HZ, bins, _NORMALISATIONS[kind])


def _check_vocabulary(metadata: _Metadata, tokens: Tokens) -> None:
    """Compare what the file says of its outputs; NeMo does not count the blank."""
    stated = metadata.whole_number("vocab_size", tokens.output_count)
    if stated not in {tokens.output_count, tokens.output_count - 1}:
        why = f"names {tokens.output_count} tokens, but {metadata.path.name} states vocab_size = {stated}"
        raise ModelImportFailed(metadata.path.parent / TOKENS, why)


def _try_out(
    network: Path, opened: OnnxCtc, features: FrontEndParameters, parameters: OnnxCtcParameters, tokens: Tokens
) -> None:
    """Let it hear two seconds and as little as it may; refuse it if it gives other labels, or other frames."""
    import torch

    front_end, clip = features.build(), stand_in_clip()
    for samples in (clip, clip[: max(features.shortest_samples, parameters.fewest_hops * features.hop_samples)]):
        with torch.inference_mode():
            heard = front_end(torch.from_numpy(samples))  # (t, m)
            try:
                scores = opened.scores(heard.unsqueeze(0))
            except RuntimeError as error:
                raise ModelImportFailed(network, f"cannot hear {len(heard)} hops: {error}") from error
        outputs, frames = scores.shape[2], scores.shape[1]
        if outputs != tokens.output_count:
            why = f"names {tokens.output_count} tokens, but {network.name} has {outputs} outputs"
            raise ModelImportFailed(network.parent / TOKENS, why)
        wanted = 1 + (len(heard) - parameters.fewest_hops) // parameters.hops_per_frame
        if not frames or abs(frames - wanted) > 1:
            why = f"gives {frames} frames for {len(heard)} hops, not {wanted} (every {parameters.hops_per_frame} hops)"
            raise ModelImportFailed(network, why)
        if not scores.isfinite().all():
            raise ModelImportFailed(network, "computes values that are not finite numbers")


def _write(network: Path, external: list[str], description: Description, models_folder: Path, job: ImportJob) -> Path:
    """Copy the network, the file of its weights and a language model, should they be there."""
    if len(external) > 1 or DESCRIPTION_FILE in external or _NETWORK in external:
        why = f"keeps its weights in {', '.join(external)}; one file beside it is supported, of a name of its own"
        raise ModelImportFailed(network, why)
    parts = {"weights": (network, _NETWORK)}
    if external:
        parts["external_weights"] = (network.parent / external[0], external[0])
    language_model = _find_language_model(network.parent, set(external))
    sources = [source for source, _ in parts.values()] + ([language_model] if language_model else [])
    sizes = [source.stat().st_size for source in sources]
    total = sum(sizes)
    files = {}
    with staging(models_folder, description.name, total) as folder:
        done = 0
        for (role, (source, name)), size in zip(parts.items(), sizes, strict=False):
            files[role] = copy_file(source, folder / name, job.part(done / total, (done + size) / total))
            done += size
        if language_model:
            part = job.part(done / total, 1.0)
            files.update(copy_language_model(language_model, None, folder, by_labels(description.labels), part).files)
        write_description(folder, description, files)
    return models_folder / folder_name(description.name)


def _find_language_model(folder: Path, taken: set[str]) -> Path | None:
    """The KenLM file beside the network, if there is one."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.name not in taken]
    found = [file for file in files if file.suffix != SUFFIX and is_language_model(file)]
    if len(found) > 1:
        raise ModelImportFailed(folder, f"holds more than one language model: {', '.join(file.name for file in found)}")
    return found[0] if found else None


def _reason(error: ModelDamaged, network: Path) -> str:
    """Its words without the file's name, which the other error says itself."""
    return str(error).removeprefix(f"{network.name} ").rstrip(".")
