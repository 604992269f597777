"""Samples in, words out: front end, network and beam search behind one door.

Importing this file does not import torch; ``Recognizer.load`` does, which takes seconds.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from dictation.asr.build_decoder import build_decoder
from dictation.asr.hardware_answers import HardwareProbe
from dictation.asr.look_ahead import MOST_TOGETHER, LookAhead
from dictation.asr.search import MOST_ALTERNATIVES, Search
from dictation.asr.search_beside import SearchBeside, are_shareable, search_processes
from dictation.asr.self_test import SelfTestRun, are_close, clip_to_hear
from dictation.core.errors import InvalidAudio, ModelDamaged
from dictation.core.hardware import usable_cores
from dictation.core.records import SAMPLE_RATE_HZ, Hypothesis, Recognition, Samples
from dictation.core.settings import RecognizerSettings

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.decoding import Decoder
    from dictation.asr.look_ahead import Heard
    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.ngrams import PersonalFiles
    from dictation.asr.processor import Acoustics, Processor
    from dictation.asr.search_process import Found
    from dictation.core.hardware import GpuReport

SELF_TEST_RUNS = 3
"""As in FLAPI: the first runs also warm up caches and allocators."""
KNOWN_ANSWER_S = 1.0
"""An answer of an earlier GPU test is there within milliseconds, unless the driver is ill."""
PRIMITIVE_CACHE = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")
"""oneDNN keeps 1024 compiled kernels with their scratch memory, several for each length of audio ever heard: 240
utterances of different lengths grew the process by 200 MB. With 32 it stays, at the same speed (measured)."""

_log = logging.getLogger(__name__)


class Effort(Enum):
    """How hard to search: with the small beam while speech goes on, with the full one for the final text."""

    PARTIAL = "partial"
    FINAL = "final"


class RecognitionCancelled(Exception):
    """The caller's ``is_cancelled`` said so; not an error that a user sees."""


@dataclass(frozen=True)
class LoadReport:
    """What loading found.

    Attributes:
        model_name: From the model folder.
        device_name: ``CPU``, ``CPU (bfloat16)`` or the GPU's name.
        note: A visible remark, such as why the GPU is not used; mostly empty.
        load_s: Seconds that loading took, self-test included.
        runs: The self-test, several times in a row.
    """

    model_name: str
    device_name: str
    note: str
    load_s: float
    runs: tuple[SelfTestRun, ...]

    @property
    def is_ok(self) -> bool:
        """Whether every run gave the expected text."""
        return all(run.is_ok for run in self.runs)


class Recognizer:
    """Recognises one piece of audio at a time.

    Thread: used from one thread; it starts none itself beyond torch's own. ``device_name`` and ``note`` may be
    read by any.
    """

    def __init__(
        self,
        folder: ModelFolder,
        settings: RecognizerSettings,
        personal: PersonalFiles | None = None,
        remark: str = "",
        *,
        waits_for_gpu: bool = True,
    ) -> None:
        """Make an unloaded recogniser.

        Args:
            folder: The model.
            settings: The user's.
            personal: A personal language model to mix in.
            remark: Something about these choices that the user should know.
            waits_for_gpu: Whether ``load`` waits until the GPUs are tested, should that not be known from before; else
                the CPU works until ``tend`` finds that one is right.
        """
        self._waits_for_gpu = waits_for_gpu
        self._hardware: HardwareProbe | None = None
        self._gpu: GpuReport | None = None
        self._clip: Samples = np.zeros(0, dtype=np.float32)
        self._folder = folder
        self._settings = settings
        self._personal = personal
        self._remark = remark
        self._processor: Processor | None = None
        self._decoder: Decoder | None = None
        self._search: Search | None = None
        self._ahead: LookAhead | None = None
        self._beside = SearchBeside(folder.path, personal)
        self._has_shareable_models = False

    @property
    def device_name(self) -> str:
        """``CPU``, ``CPU (bfloat16)`` or the GPU's name; empty before ``load``."""
        return self._processor.device_name if self._processor else ""

    @property
    def note(self) -> str:
        """Remarks for the user: no personal model, a fallback to the CPU, unusable hotwords; mostly empty."""
        notes = [self._remark] if self._remark else []
        if self._processor and self._processor.note:
            notes.append(self._processor.note)
        if self._hardware is not None:
            notes.append("The GPU is being tested; the CPU works meanwhile.")
        if self._decoder and self._decoder.unspellable_hotwords:
            listed = ", ".join(self._decoder.unspellable_hotwords)
            notes.append(f"This model cannot write the hotwords: {listed}.")
        return " ".join(notes)

    def load(self) -> LoadReport:
        """Verify the files, build everything, choose the processor and run the self-test; takes seconds.

        Raises:
            ModelDamaged: if a file differs from its description or cannot be used.
            OutOfMemory: if the machine has no room for the model.
        """
        started_s = time.perf_counter()
        os.environ.setdefault(*PRIMITIVE_CACHE)
        self._folder.verify()
        clip, is_speech = clip_to_hear(self._folder)
        decoder, remark = build_decoder(self._folder, self._personal)
        self._remark = remark or self._remark
        adapt = self._folder.decoding.adapt
        decoder.configure(adapt(RecognizerSettings()))  # the self-test judges the model, not the user's settings
        processor, make_faster = self._build_processor()
        exact = processor.log_probs(clip, lambda: None)
        if not np.isfinite(exact).all():
            raise ModelDamaged(f"The network of model {self._folder.name} computes values that are not finite numbers.")
        processor.keep_exact(exact)
        if is_speech:
            processor.hasten_cpu(make_faster, clip, lambda heard, exact: self._find_difference(decoder, heard, exact))
        self._decoder, self._processor, self._clip, self._ahead = decoder, processor, clip, LookAhead(processor)
        self._search = Search(self._folder, decoder)
        self._has_shareable_models = are_shareable(self._folder, self._personal)
        self._start_probe()
        runs = tuple(self._self_test(clip) for _ in range(SELF_TEST_RUNS))
        decoder.configure(adapt(self._settings))
        load_s = time.perf_counter() - started_s
        return LoadReport(self._folder.name, self.device_name, self.note, load_s, runs)

    def configure(self, settings: RecognizerSettings) -> None:
        """Take other beam settings and hotwords from the next call on; another model or processor needs ``load``."""
        self._settings = settings
        self._beside.forget()
        if self._decoder:
            self._decoder.configure(self._folder.decoding.adapt(settings))

    @property
    def look_ahead(self) -> int:
        """How many pieces of audio ``recognize`` would like to know of that will be asked for next. Thread: any."""
        return MOST_TOGETHER - 1 if self._hears_together else self._search_processes

    @property
    def _hears_together(self) -> bool:
        """Whether several pieces of audio take less time together; asked by any thread."""
        processor = self._processor
        return processor is not None and processor.hears_together

    @property
    def _search_processes(self) -> int:
        """How many processes may search a file's segments while this one hears others."""
        if not self._has_shareable_models:
            return 0
        return search_processes(usable_cores(), hears_together=self._hears_together)

    def recognize(
        self,
        samples: Samples,
        effort: Effort = Effort.FINAL,
        is_cancelled: Callable[[], bool] = lambda: False,
        upcoming: Sequence[Samples] = (),
    ) -> Recognition:
        """Recognise one piece of audio; ``load`` comes first.

        Args:
            samples: Mono float32 at 16 kHz, shape (samples,), finite. Digital silence and audio too short for one
                window (16 ms) give an empty hypothesis.
            effort: ``PARTIAL`` for the small beam and one hypothesis, ``FINAL`` for the full beam and up to five.
            is_cancelled: Asked between front end, network and search, and within the search of a lexicon.
            upcoming: Pieces of audio that will be asked for next, such as those of a file; some may be heard together
                with this one where that is faster. Nothing is lost if they are not asked for after all.

        Raises:
            InvalidAudio: if the samples are not as stated.
            RecognitionCancelled: if ``is_cancelled`` said yes.
            OutOfMemory: if neither the GPU nor the machine has room for this audio.
        """
        processor, search, ahead = self._processor, self._search, self._ahead
        if processor is None or search is None or ahead is None:
            raise RuntimeError("load() comes before recognize()")
        _check_samples(samples)
        audio_s, shortest = len(samples) / SAMPLE_RATE_HZ, self._folder.shortest_samples
        if len(samples) < shortest or not samples.any():
            return Recognition((Hypothesis(()),), audio_s, 0.0, 0.0, processor.device)

        def checkpoint() -> None:
            if is_cancelled():
                raise RecognitionCancelled

        checkpoint()
        behind = [piece for piece in upcoming if len(piece) >= shortest]
        begun = self._find_beside(samples, behind, ahead, checkpoint) if effort is Effort.FINAL else None
        heard, found = begun or (ahead.hear(samples, behind, checkpoint), None)
        if found is not None:
            return Recognition(found[0], audio_s, heard.network_s, found[1], heard.device)
        checkpoint()
        started_s = time.perf_counter()
        is_partial = effort is Effort.PARTIAL
        beam_width = self._settings.partial_beam_width if is_partial else self._settings.beam_width
        n_best = search.find(heard.log_probs, audio_s, beam_width, 1 if is_partial else MOST_ALTERNATIVES, checkpoint)
        return Recognition(n_best, audio_s, heard.network_s, time.perf_counter() - started_s, heard.device)

    def _find_beside(
        self, samples: Samples, upcoming: Sequence[Samples], ahead: LookAhead, checkpoint: Callable[[], None]
    ) -> tuple[Heard, Found | None] | None:
        """Have a file's segment searched in another process; None if it is no file's, or there is no process."""
        if not upcoming and not self._beside.has_begun(samples):
            return None

        def hear(piece: Samples) -> Heard:
            return ahead.hear(piece, [one for one in upcoming if not self._beside.has_begun(one)], checkpoint)

        return self._beside.find(samples, upcoming, self._settings, hear, checkpoint, self._search_processes)

    def tend(self) -> None:
        """Do what waits for a quiet moment: take over a GPU whose test has ended, give one back that is idle."""
        if self._processor is None:
            return
        self._settle_probe()
        self._beside.tend()
        if self._processor.give_back_if_idle(self._settings.gpu_idle_release_s):
            _log.info("the GPU's memory was given back; the next words take it again")

    def close(self) -> None:
        """Free network, language model and GPU; idempotent."""
        if self._hardware:
            self._hardware.cancel()
        if self._decoder:
            self._decoder.close()
        if self._processor:
            self._processor.close()
        self._beside.close()
        self._decoder = self._processor = self._hardware = self._ahead = self._search = None

    def _build_processor(self) -> tuple[Processor, Callable[[], Acoustics | None]]:
        """Load the network onto the CPU; a GPU gets copies once it is chosen, and so may the CPU itself."""
        from dictation.asr.processor import (
            Processor,
            TorchAcoustics,
            faster_cpu_acoustics,
            gpu_acoustics,
            halved,
            load_modules,
            use_threads,
        )

        use_threads()
        front_end, network = load_modules(self._folder)
        processor = Processor(
            TorchAcoustics(front_end, network),
            lambda: gpu_acoustics(front_end, network, self._gpu),
            make_halved_gpu=lambda: gpu_acoustics(front_end, network, halved(self._gpu)),
        )
        return processor, lambda: faster_cpu_acoustics(front_end, network)

    def _start_probe(self) -> None:
        """Have the GPUs tested, unless the CPU is wanted, and take one at once if the answer is known."""
        wanted = self._settings.processor
        if self._processor is None:
            return
        if wanted == "cpu":
            self._processor.forget_gpu()
            return
        if self._folder.is_for_cpu_only:
            self._processor.note = "An ONNX network runs on the CPU." if wanted == "cuda" else ""
            return
        self._hardware = HardwareProbe(self._folder.path, self._folder.files["weights"].sha256)
        self._hardware.start()
        self._hardware.wait(None if self._waits_for_gpu else KNOWN_ANSWER_S)
        self._settle_probe()

    def _settle_probe(self) -> None:
        """Move to the GPU that the probe chose, if it has ended and if that GPU proves itself here too."""
        if self._hardware is None or self._processor is None or self._decoder is None:
            return
        report, decoder = self._hardware.answer, self._decoder
        if report is None:
            return
        self._hardware = None
        wanted = self._settings.processor
        self._gpu = report.choose(wanted)
        if self._gpu is None:
            self._processor.note = report.note(wanted)
            self._processor.forget_gpu()
            return
        self._processor.probe(
            self._clip, lambda heard, right: self._find_fault(decoder, heard, right), is_gpu_wanted=wanted == "cuda"
        )

    def _find_fault(self, decoder: Decoder, heard: LogProbs, wanted: LogProbs) -> str:
        """Say what a processor got wrong: the text of a known clip, else the probabilities themselves."""
        if self._folder.file("self_test_clip") is None:
            return "" if are_close(heard, wanted) else "other probabilities than the CPU"
        return self._find_other_text(decoder, heard, wanted)

    def _find_difference(self, decoder: Decoder, heard: LogProbs, exact: LogProbs) -> str:
        """Say in what rounding has changed a clip: neither its text may be another, nor any probability far off."""
        if not are_close(heard, exact):
            return "other probabilities"
        return self._find_other_text(decoder, heard, exact)

    def _find_other_text(self, decoder: Decoder, heard: LogProbs, wanted: LogProbs) -> str:
        """Say whether two computations give different texts."""
        texts = {decoder.decode(one, 0.0, self._settings.partial_beam_width, 1)[0].text for one in (heard, wanted)}
        return "" if len(texts) == 1 else "a wrong text"

    def _self_test(self, clip: Samples) -> SelfTestRun:
        """Recognise the clip once."""
        recognition = self.recognize(clip)
        seconds = recognition.network_s + recognition.decode_s
        expected = self._folder.self_test_text if self._folder.file("self_test_clip") else None
        return SelfTestRun(recognition.best.text, expected, seconds)


def _check_samples(samples: Samples) -> None:
    """Refuse anything but finite one-dimensional float32."""
    if not isinstance(samples, np.ndarray) or samples.dtype != np.float32 or samples.ndim != 1:
        raise InvalidAudio("The recogniser takes one-dimensional float32 samples only.")
    if not np.isfinite(samples).all():
        raise InvalidAudio("The audio holds values that are not finite numbers.")
