"""Samples in, words out, for models that hear an utterance as it grows.

Importing this file does not import torch; ``TransducerRecognizer.load`` does, which takes seconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, cast

from dictation.asr.recognizer import (
    PRIMITIVE_CACHE,
    SELF_TEST_RUNS,
    Effort,
    LoadReport,
    RecognitionCancelled,
)
from dictation.asr.search import MOST_ALTERNATIVES
from dictation.asr.self_test import SelfTestRun, clip_to_hear
from dictation.core.detector import check_samples
from dictation.core.errors import ModelDamaged, OutOfMemory
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Recognition, Samples
from dictation.core.settings import RecognizerSettings

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.transducer.network import EmformerRnnt
    from dictation.asr.transducer.parameters import EmformerRnntParameters
    from dictation.asr.transducer.utterance import Ear, GrowingUtterance
    from dictation.asr.transducer.words import WordMaker

DEVICE, DEVICE_NAME = "cpu", "CPU"
"""The search asks for some small matrix products 25 times a second, one after the other: nothing that fills a GPU."""


class TransducerRecognizer:
    """Recognises one piece of audio at a time, or utterances while they grow.

    Language models, personal ones included, and hotwords have no place in its search; ``note`` says so to those who
    chose some. The beam is ``RecognizerSettings.beam_width`` on the model's own scale, also for words of an open
    utterance: what was searched once is not searched again.

    Thread: used from one thread; ``device_name``, ``note`` and ``look_ahead`` may be read by any.
    """

    look_ahead = 0
    """What comes next is of no use: there are no batches."""

    def __init__(
        self, folder: ModelFolder, settings: RecognizerSettings, remark: str = "", *, has_personal: bool = False
    ) -> None:
        """Make an unloaded recogniser.

        Args:
            folder: The model; its decoding is of the kind ``transducer``.
            settings: The user's.
            remark: Something about these choices that the user should know.
            has_personal: Whether they include a personal language model.
        """
        self._folder = folder
        self._settings = settings
        self._remark = remark
        self._has_personal = has_personal
        self._ear: Ear | None = None
        self._words: WordMaker | None = None

    @property
    def device_name(self) -> str:
        """``CPU``; empty before ``load``."""
        return DEVICE_NAME if self._ear else ""

    @property
    def note(self) -> str:
        """Remarks for the user: choices that have no effect with this model; mostly empty."""
        notes = [self._remark] if self._remark else []
        unused = ["hotwords"] if self._settings.hotwords else []
        if self._has_personal:
            unused.append("personal language model")
        if unused:
            notes.append(f"This model searches without {' and '.join(unused)}.")
        if self._settings.processor == "cuda":
            notes.append("This model works on the CPU alone.")
        return " ".join(notes)

    def load(self) -> LoadReport:
        """Verify the files, build everything and run the self-test; takes seconds.

        Raises:
            ModelDamaged: if a file differs from its description or cannot be used.
            OutOfMemory: if the machine has no room for the model.
        """
        started_s = time.perf_counter()
        os.environ.setdefault(*PRIMITIVE_CACHE)
        self._folder.verify()
        clip, _ = clip_to_hear(self._folder)
        try:
            self._build()
            runs = tuple(self._self_test(clip) for _ in range(SELF_TEST_RUNS))
        except MemoryError as error:
            raise OutOfMemory("The machine has no memory left for the model.") from error
        return LoadReport(self._folder.name, self.device_name, self.note, time.perf_counter() - started_s, runs)

    def configure(self, settings: RecognizerSettings) -> None:
        """Take another beam width from the next call on."""
        self._settings = settings

    def recognize(
        self,
        samples: Samples,
        effort: Effort = Effort.FINAL,
        is_cancelled: Callable[[], bool] = lambda: False,
        upcoming: Sequence[Samples] = (),  # noqa: ARG002  # of no use here, see ``look_ahead``
    ) -> Recognition:
        """Recognise one piece of audio as ``Recognizer.recognize`` does; ``load`` comes first."""
        return self.begin_utterance().recognize(samples, effort, is_cancelled)

    def begin_utterance(self) -> UtteranceSession:
        """Begin an utterance that will be recognised several times while it grows; ``load`` comes first."""
        from dictation.asr.transducer.utterance import GrowingUtterance

        if self._ear is None or self._words is None:
            raise RuntimeError("load() comes before begin_utterance()")
        return UtteranceSession(GrowingUtterance(self._ear), self._words, self._folder.shortest_samples, self._width)

    def tend(self) -> None:
        """Nothing waits for a quiet moment."""

    def close(self) -> None:
        """Free the network; idempotent."""
        self._ear = self._words = None

    def _build(self) -> None:
        from dictation.asr.processor import load_modules, use_threads
        from dictation.asr.transducer.utterance import Ear
        from dictation.asr.transducer.words import WordMaker

        use_threads()
        folder = self._folder
        front_end, network = load_modules(folder)
        if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
            raise ModelDamaged(f"The network of model {folder.name} holds values that are not finite numbers.")
        form = cast("EmformerRnntParameters", folder.architecture_parameters)
        self._ear = Ear(front_end, cast("EmformerRnnt", network), form, folder.labels.blank_index)
        self._words = WordMaker(folder.labels, folder.frame_s)

    def _width(self) -> int:
        """Readings that are kept, from the settings of this moment."""
        return self._folder.decoding.adapt(self._settings).beam_width

    def _self_test(self, clip: Samples) -> SelfTestRun:
        """Recognise the clip once, with the default beam: the test judges the model, not the user's settings."""
        settings, self._settings = self._settings, RecognizerSettings()
        try:
            recognition = self.recognize(clip)
        finally:
            self._settings = settings
        expected = self._folder.self_test_text if self._folder.file("self_test_clip") else None
        return SelfTestRun(recognition.best.text, expected, recognition.network_s + recognition.decode_s)


class UtteranceSession:
    """One utterance, recognised as often as it has grown. Thread: that of its recogniser."""

    def __init__(
        self, utterance: GrowingUtterance, words: WordMaker, shortest_samples: int, width: Callable[[], int]
    ) -> None:  # fmt: skip
        self._utterance = utterance
        self._words = words
        self._shortest_samples = shortest_samples
        self._width = width

    def recognize(
        self, samples: Samples, effort: Effort = Effort.FINAL, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Recognition:
        """Recognise the utterance so far; only what was not there the last time costs anything.

        Args:
            samples: From the utterance's start, as for ``Recognizer.recognize``.
            effort: ``PARTIAL`` for one hypothesis, ``FINAL`` for up to five; the beam is the same.
            is_cancelled: Asked before every frame (40 ms).

        Raises:
            InvalidAudio: if the samples are not as stated.
            RecognitionCancelled: if ``is_cancelled`` said yes; the next call goes on from there.
            OutOfMemory: if the machine has no room for this audio.
        """
        check_samples(samples)
        audio_s = len(samples) / SAMPLE_RATE_HZ
        if len(samples) < self._shortest_samples or not samples.any():
            return Recognition((Hypothesis(()),), audio_s, 0.0, 0.0, DEVICE)

        def checkpoint() -> None:
            if is_cancelled():
                raise RecognitionCancelled

        try:
            outcome = self._utterance.hear(samples, self._width(), checkpoint)
        except MemoryError as error:
            raise OutOfMemory("The machine has no memory left for the model.") from error
        most = 1 if effort is Effort.PARTIAL else MOST_ALTERNATIVES
        n_best = self._words.hypotheses(outcome.beam, audio_s, most)
        return Recognition(n_best, audio_s, outcome.network_s, outcome.decode_s, DEVICE)
