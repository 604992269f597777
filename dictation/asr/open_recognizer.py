"""The recogniser that a model wants. Importing this file does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dictation.asr.decoding import TRANSDUCER
from dictation.asr.recognizer import Recognizer
from dictation.asr.transducer.recognizer import TransducerRecognizer

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.ngrams import PersonalFiles
    from dictation.core.settings import RecognizerSettings


def open_recognizer(
    folder: ModelFolder,
    settings: RecognizerSettings,
    personal: PersonalFiles | None = None,
    remark: str = "",
    *,
    waits_for_gpu: bool = True,
) -> Recognizer | TransducerRecognizer:
    """Make an unloaded recogniser; the arguments are those of ``Recognizer``."""
    if folder.decoding.kind == TRANSDUCER:
        return TransducerRecognizer(folder, settings, remark, has_personal=personal is not None)
    return Recognizer(folder, settings, personal, remark, waits_for_gpu=waits_for_gpu)
