"""Turn downloaded files into a model folder, with the means of ``asr/importing``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from dictation.asr.front_end import WaveformParameters
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.kenlm_files import copy_language_model
from dictation.asr.importing.writing import Description, folder_name, staging, write_description
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.core.errors import ModelImportFailed
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.library.catalogue import CatalogueEntry

_WEIGHTS_SHARE = 0.6
"""Of the work; the rest is the language model, which is unpacked, checked and loaded once."""


def convert(
    entry: CatalogueEntry,
    files: Mapping[str, Path],
    models_folder: Path,
    progress: Callable[[float], None],
    is_cancelled: Callable[[], bool],
) -> ModelFolder:
    """Build the model folder ``entry.key``; it appears whole or not at all.

    Args:
        entry: What the files are.
        files: By role; ``weights`` is a state dict of ``torchaudio.models.wav2vec2_model``.
        models_folder: Where model folders lie.
        progress: Called with 0 to 1.
        is_cancelled: Asked several times a second.

    Raises:
        ModelImportFailed: naming the file that is damaged or does not fit the entry.
        ImportCancelled: if ``is_cancelled`` said yes.
    """
    from dictation.asr.importing.weights import TensorSource, convert_weights, read_tensors, weights_bytes

    job = ImportJob(progress, is_cancelled)
    job.checkpoint(0.0)
    description = _describe(entry)
    weights, language_model = files["weights"], files.get("language_model")
    tensors = read_tensors(weights)
    kept = kept_outputs(entry)
    outputs = len(tensors["aux.bias"].read()) if "aux.bias" in tensors else 0
    if outputs not in (0, len(kept) + len(entry.dropped_outputs)):
        expected = f"{len(kept)} for labels and {len(entry.dropped_outputs)} without meaning"
        raise ModelImportFailed(weights, f"has {outputs} outputs, the catalogue expects {expected}")
    source = TensorSource(tensors, lambda name: name, weights, kept)
    needed_bytes = weights_bytes(description) + (language_model.stat().st_size if language_model else 0)
    with staging(models_folder, entry.key, needed_bytes) as folder:
        share = _WEIGHTS_SHARE if language_model else 1.0
        written = {"weights": convert_weights(source, description, folder, job.part(0.0, share))}
        source.refuse_leftovers(frozenset())
        if language_model:
            copied = copy_language_model(language_model, None, folder, entry.labels, job.part(share, 1.0))
            written.update(copied.files)
        write_description(folder, description, written)
    return open_model_folder(models_folder / folder_name(entry.key))


def kept_outputs(entry: CatalogueEntry) -> tuple[int, ...]:
    """The rows of the published last layer that the labels stand for."""
    published = len(entry.labels) + len(entry.dropped_outputs)
    return tuple(row for row in range(published) if row not in entry.dropped_outputs)


def _describe(entry: CatalogueEntry) -> Description:
    licence = entry.licence
    if entry.language_model is not None:
        licence = f"{licence}; language model: {entry.language_model.licence}"
    features = WaveformParameters(SAMPLE_RATE_HZ, entry.is_audio_normalised)
    return Description(entry.name, entry.language, licence, "wav2vec2", entry.network, features, entry.labels)
