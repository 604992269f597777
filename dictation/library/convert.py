"""Turn downloaded files into a model folder, with the means of ``asr/importing``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.asr.decoding import TRANSDUCER, DecodingParameters
from dictation.asr.front_end import WaveformParameters
from dictation.asr.importing.job import ImportJob
from dictation.asr.importing.json_file import JsonFile
from dictation.asr.importing.kenlm_files import by_labels, copy_language_model
from dictation.asr.importing.sentence_piece import read_pieces
from dictation.asr.importing.writing import Description, folder_name, staging, write_description
from dictation.asr.labels import WORD_START, Labels
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.transducer.parameters import GlobalMelParameters
from dictation.core.errors import ModelImportFailed
from dictation.core.records import SAMPLE_RATE_HZ
from dictation.library.catalogue import CatalogueEntry

if TYPE_CHECKING:
    from dictation.asr.importing.weights import TensorSource

_STATISTICS = ("mean", "invstddev")
_WEIGHTS_SHARE = 0.6
"""Of the work; the rest is the language model, which is unpacked, checked and loaded once."""
TRANSDUCER_BLANK = "<blank>"
TRANSDUCER_BEAM = 10
"""What torchaudio's documentation of the bundle searches with."""


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
        files: By role; ``weights`` is a state dict of a network of ``torchaudio.models``.
        models_folder: Where model folders lie.
        progress: Called with 0 to 1.
        is_cancelled: Asked several times a second.

    Raises:
        ModelImportFailed: naming the file that is damaged or does not fit the entry.
        ImportCancelled: if ``is_cancelled`` said yes.
    """
    from dictation.asr.importing.weights import convert_weights, weights_bytes

    job = ImportJob(progress, is_cancelled)
    job.checkpoint(0.0)
    description = _describe(entry, files)
    weights, language_model = files["weights"], files.get("language_model")
    source = _weights(entry, weights)
    needed_bytes = weights_bytes(description) + (language_model.stat().st_size if language_model else 0)
    with staging(models_folder, entry.key, needed_bytes) as folder:
        share = _WEIGHTS_SHARE if language_model else 1.0
        written = {"weights": convert_weights(source, description, folder, job.part(0.0, share))}
        source.refuse_leftovers(frozenset())
        if language_model:
            copied = copy_language_model(
                language_model, None, folder, by_labels(description.labels), job.part(share, 1.0)
            )
            written.update(copied.files)
        write_description(folder, description, written)
    return open_model_folder(models_folder / folder_name(entry.key))


def _weights(entry: CatalogueEntry, path: Path) -> TensorSource:
    """The published tensors; of a network with CTC those of the outputs that have a meaning."""
    from dictation.asr.importing.weights import TensorSource, read_tensors

    tensors = read_tensors(path)
    if entry.labels is None:
        return TensorSource(tensors, lambda name: name, path)
    kept = kept_outputs(entry, entry.labels)
    outputs = len(tensors["aux.bias"].read()) if "aux.bias" in tensors else 0
    if outputs not in (0, len(kept) + len(entry.dropped_outputs)):
        expected = f"{len(kept)} for labels and {len(entry.dropped_outputs)} without meaning"
        raise ModelImportFailed(path, f"has {outputs} outputs, the catalogue expects {expected}")
    return TensorSource(tensors, lambda name: name, path, kept)


def kept_outputs(entry: CatalogueEntry, labels: Labels) -> tuple[int, ...]:
    """The rows of the published last layer that the labels stand for."""
    published = len(labels) + len(entry.dropped_outputs)
    return tuple(row for row in range(published) if row not in entry.dropped_outputs)


def _describe(entry: CatalogueEntry, files: Mapping[str, Path]) -> Description:
    licence = entry.licence
    if entry.language_model is not None:
        licence = f"{licence}; language model: {entry.language_model.licence}"
    head = (entry.name, entry.language, licence, entry.architecture, entry.network)
    if entry.labels is not None:
        return Description(*head, WaveformParameters(SAMPLE_RATE_HZ, entry.is_audio_normalised), entry.labels)
    decoding = DecodingParameters(TRANSDUCER, beam_width=TRANSDUCER_BEAM)
    return Description(*head, read_statistics(files["statistics"]), read_labels(files["pieces"]), decoding)


def read_labels(path: Path) -> Labels:
    """The outputs of torchaudio's transducer: the pieces of a SentencePiece model, then the blank.

    Raises:
        ModelImportFailed: if the file is damaged, or its pieces cannot be labels.
    """
    try:
        return Labels((*read_pieces(path), TRANSDUCER_BLANK), TRANSDUCER_BLANK, "", WORD_START)
    except ValueError as error:
        raise ModelImportFailed(path, f"holds pieces that no network can write: {error}") from error


def read_statistics(path: Path) -> GlobalMelParameters:
    """The mean and the inverse deviation of each band, as torchaudio's ``RNNTBundle`` keeps them.

    Raises:
        ModelImportFailed: if the file is damaged or holds something else.
    """
    values = JsonFile.read(path).values
    mean, inverse = ([*values.get(key, ())] if isinstance(values.get(key), list) else [] for key in _STATISTICS)
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in mean + inverse):
        raise ModelImportFailed(path, "holds statistics that are not numbers")
    try:
        return GlobalMelParameters(SAMPLE_RATE_HZ, tuple(map(float, mean)), tuple(map(float, inverse)))
    except ValueError as error:
        raise ModelImportFailed(path, f"does not hold {' and '.join(_STATISTICS)} of bands: {error}") from error
