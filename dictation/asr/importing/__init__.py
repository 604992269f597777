"""Models and language models that others made, from files on this machine to model folders of our own.

Importing this package does not import torch. Each import is built in a hidden folder and appears whole or not at all.
Threads: any, one import at a time for one ``models_folder``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from pathlib import Path

from dictation.asr.importing.flashlight import LEXICON_FILE, TOKENS, import_flashlight, is_flashlight
from dictation.asr.importing.hugging_face import CONFIGURATION, import_hugging_face, is_hugging_face
from dictation.asr.importing.installed import import_model_folder
from dictation.asr.importing.job import ImportCancelled, ImportJob
from dictation.asr.importing.kenlm_files import is_language_model
from dictation.asr.importing.language_model import replace_language_model
from dictation.asr.importing.sherpa_onnx import import_onnx, is_onnx
from dictation.asr.model_folder import DESCRIPTION_FILE, ModelFolder, open_model_folder
from dictation.core.errors import ModelImportFailed

__all__ = ["ImportCancelled", "ImportKind", "import_language_model", "import_model", "recognise_source"]


class ImportKind(Enum):
    """What can be imported; the value says it in words."""

    MODEL_FOLDER = "a model folder of this program"
    HUGGING_FACE = "a Hugging Face folder"
    ONNX = "an ONNX network of NeMo or icefall"
    FLASHLIGHT = "a flashlight folder"
    KENLM = "a KenLM language model"


def recognise_source(path: Path) -> ImportKind | None:
    """Tell what a file or folder is by its first look; None if it is nothing known. It may still be damaged."""
    if path.is_dir():
        if (path / DESCRIPTION_FILE).is_file():
            return ImportKind.MODEL_FOLDER
        if is_onnx(path):
            return ImportKind.ONNX
        if is_hugging_face(path):
            return ImportKind.HUGGING_FACE
        return ImportKind.FLASHLIGHT if is_flashlight(path) else None
    if is_onnx(path):
        return ImportKind.ONNX
    return ImportKind.KENLM if path.is_file() and is_language_model(path) else None


def import_model(
    path: Path, models_folder: Path, progress: Callable[[float], None], is_cancelled: Callable[[], bool]
) -> ModelFolder:
    """Convert what lies at ``path`` into a model folder inside ``models_folder``; takes seconds to minutes.

    Args:
        path: A folder, or an ONNX file in one; see ``ImportKind``. It is only read.
        models_folder: Where model folders lie; made if it is not there.
        progress: Called with 0 to 1.
        is_cancelled: Asked several times a second.

    Raises:
        ModelImportFailed: naming the file that is unknown, missing, damaged or does not fit, and why.
        ModelDamaged: if a model folder of this program is damaged.
        OnnxRuntimeMissing: if it is an ONNX network, and the part that runs such is not installed.
        ImportCancelled: if ``is_cancelled`` said yes.
    """
    job = ImportJob(progress, is_cancelled)
    job.checkpoint(0.0)
    kind = recognise_source(path)
    if kind is ImportKind.MODEL_FOLDER:
        made = import_model_folder(path, models_folder, job)
    elif kind is ImportKind.HUGGING_FACE:
        made = import_hugging_face(path, models_folder, job)
    elif kind is ImportKind.ONNX:
        made = import_onnx(path, models_folder, job)
    elif kind is ImportKind.FLASHLIGHT:
        made = import_flashlight(path, models_folder, job)
    elif kind is ImportKind.KENLM:
        why = "is a language model alone, which can only take the place of a model's"
        raise ModelImportFailed(
            path, why, "Say for which model: dictation models import --language-model-for NAME PATH."
        )
    else:
        raise ModelImportFailed(path, _why_unknown(path))
    progress(1.0)
    return open_model_folder(made)


def import_language_model(
    path: Path,
    target: ModelFolder,
    models_folder: Path,
    progress: Callable[[float], None],
    is_cancelled: Callable[[], bool],
) -> ModelFolder:
    """Give a model another language model; a model outside ``models_folder`` is copied there first.

    Args:
        path: ARPA, gzipped ARPA or a KenLM binary; only read.
        target: The model.
        models_folder: The user's models.
        progress: Called with 0 to 1.
        is_cancelled: Asked several times a second.

    Raises:
        ModelImportFailed: naming the file that is unknown, damaged or of another alphabet, and why.
        ImportCancelled: if ``is_cancelled`` said yes.
    """
    job = ImportJob(progress, is_cancelled)
    job.checkpoint(0.0)
    if recognise_source(path) is not ImportKind.KENLM:
        raise ModelImportFailed(path, "is neither ARPA text nor a KenLM binary")
    made = replace_language_model(path, target, models_folder, job)
    progress(1.0)
    return open_model_folder(made)


def _why_unknown(path: Path) -> str:
    """What was looked for."""
    if not path.exists():
        return "is not there"
    if path.is_dir():
        return (
            f"holds neither {DESCRIPTION_FILE} (a model of this program) nor {CONFIGURATION} (Hugging Face) "
            f"nor {TOKENS} and {LEXICON_FILE} (flashlight) nor {TOKENS} and an ONNX network (sherpa-onnx)"
        )
    return "is neither a folder nor a KenLM language model nor an ONNX network"
