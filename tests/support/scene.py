"""A believable moment of dictation for the window: fifteen seconds of sound, words, a gap, files."""

from __future__ import annotations

import math
import random
import time
from typing import Any

from dictation.core.errors import ModelMissing
from dictation.core.library_status import LanguageModelOffer, LibraryJob, LibraryJobState, LibraryListing, LibraryModel
from dictation.core.personal import PersonalModelChoice, PersonalModelReport
from dictation.core.records import (
    HOP_FRAMES,
    Gap,
    Health,
    Hypothesis,
    LevelBatch,
    LossCause,
    Recognition,
    SegmentMark,
    SegmentState,
    Tentative,
    Utterance,
    Word,
)
from dictation.core.recovery import RecoveredUtterance, RecoveryState, RecoveryStatus
from dictation.core.status import FileJob, FileJobState, InputDevice, ModelChoice, SessionState
from dictation.core.word_check import CheckPhase, WordCheckReport

PRE_ROLL_HOPS, TIMEOUT_HOPS = 9, 19
HOPS = 1150
# (first hop, hops, loudest level, state): speech unless the state says otherwise
STRETCHES = (
    (60, 110, -22.0, SegmentState.RECOGNISED),
    (280, 110, -20.0, SegmentState.RECOGNISED),
    (450, 60, -26.0, SegmentState.FAILED),
    (580, 12, -31.0, SegmentState.REJECTED),
    (680, 160, -21.0, SegmentState.RECOGNISED),
    (905, 95, -24.0, SegmentState.QUEUED),
    (1040, 110, -19.0, SegmentState.OPEN),
)
SENTENCES = (
    "the first meeting of the reading circle takes place on thursday evening at seven in the small hall",
    "please bring the book we agreed on and a short note about the chapter you liked best",
    "if you cannot come write to me before wednesday so that i can give your chair to someone else",
    "tea and biscuits will be there as always",
    "the hall is heated from six but the door sticks a little so push it hard",
)

HOTWORDS = ("Quandt", "Zoë Björk", "Kubernetes", "Peterborough Street", "anapaest")
READING_REPORT = WordCheckReport(
    "Zoë Björk", CheckPhase.READING, ("zoë björk", "so we work", "zoë björk"), hits=2, hits_without=0
)
FINAL_REPORT = WordCheckReport(
    "Zoë Björk", CheckPhase.DONE, READING_REPORT.heard, hits=2, hits_without=0, words_read=41
)

LISTING = LibraryListing(
    (
        LibraryModel(
            "base-960h", "wav2vec 2.0 base", "en", "MIT", 378_000_000, 378,
            ("3.4 % word errors, LibriSpeech test-clean, no language model (arXiv:2006.11477)",),
            "keeps up on 2 CPU cores", is_recommended=True,
        ),
        LibraryModel(
            "large-lv60k", "wav2vec 2.0 large LV-60k", "en", "MIT", 1_262_000_000, 1262,
            ("2.2 % word errors, LibriSpeech test-clean, no language model (arXiv:2006.11477)",),
            "needs a GPU", is_recommended=True, kept_bytes=310_000_000,
        ),
        LibraryModel("starter", "Starter English", "en", "CC BY 4.0", 41_000_000, path="/opt/dictation/models/starter",
                     takes_language_model=True),
        LibraryModel("oslo", "Oslo", "nb", "Apache 2.0", 360_000_000, path="/home/anna/models/oslo", can_remove=True),
        LibraryModel("voxpopuli-de", "VoxPopuli base German", "de", "CC BY-NC 4.0", 378_000_000, 378),
        LibraryModel("voxpopuli-fr", "VoxPopuli base French", "fr", "CC BY-NC 4.0", None, 378),
    ),
    "/home/anna/.local/share/dictation/models",
    41_300_000_000,
    first_path="/opt/dictation/models/starter",
    language_models=(LanguageModelOffer("3gram", "LibriSpeech 3-gram", "en", "public domain", 34_000_000),),
)  # fmt: skip
LIBRARY_JOBS = (
    LibraryJob("import:/usb/czech", "czech", LibraryJobState.FAILED, message="/usb/czech/vocab.json: it is missing.",
               remedy="Nothing was installed."),
    LibraryJob("base-960h", "wav2vec 2.0 base", LibraryJobState.DOWNLOADING, 158_000_000, 378_000_000, 6_400_000.0,
               34.4, 0.42),
)  # fmt: skip
PERSONAL_REPORT = PersonalModelReport(
    "My documents", 48_210, 3_120, 5_904, 311, 902, 3, (5_904, 31_022, 3_410), 0.42, 412.0, 268.0, 312,
    ("scan.pdf holds pictures of text only.",),
)  # fmt: skip
PERSONAL_MODELS = (
    PersonalModelChoice("My documents", "/p/1", 48_210, 311, 0.42, "Starter English", "2026-11-21", 1_400_000),
    PersonalModelChoice("Choir letters", "/p/2", 9_120, 84, 0.31, "Starter English", "2026-10-02", 420_000),
)


def utterance(segment_id: int, text: str, start_s: float, end_s: float) -> Utterance:
    """An utterance with a text and times."""
    words = tuple(Word(word, 0.0, 0.1, 0.9) for word in text.split())
    recognition = Recognition((Hypothesis(words),), end_s - start_s, 0.02, 0.03, "cpu")
    return Utterance(segment_id, start_s, end_s, recognition, 410.0, 80.0)


SAID_AT_S = time.mktime((*time.localtime()[:3], 9, 30, 0, 0, 0, -1))
RECOVERED = RecoveredUtterance(utterance(3, SENTENCES[1], 40.0, 46.4), SAID_AT_S, is_first=True)
RECOVERY_STATUSES = {
    "recovered": RecoveryStatus(RecoveryState.DONE, 6.4, SAID_AT_S, len(SENTENCES[1].split())),
    "kept": RecoveryStatus(
        RecoveryState.KEPT, 6.4, SAID_AT_S, 0, "/home/anna/.local/share/dictation/sound/20261121T093000-4711-081500",
        "No recognition model was found.", ModelMissing.remedy,
    ),
}  # fmt: skip


def room(hops: int = HOPS, seed: int = 7) -> tuple[float, ...]:
    """Room noise near -64 dBFS."""
    dice = random.Random(seed)  # noqa: S311 - a picture, not a secret
    return tuple(-64.0 + dice.gauss(0, 1.2) for _ in range(hops))


def levels(hops: int = HOPS, seed: int = 7) -> tuple[float, ...]:
    """The room with the stretches of speech in it, which rise and fall by syllables."""
    dice = random.Random(seed)  # noqa: S311 - likewise
    result = list(room(hops))
    for first, length, loudest, _ in STRETCHES:
        for hop in range(first, min(first + length, hops)):
            edge = min(hop - first + 1, first + length - hop, 6) / 6
            syllable = 0.5 + 0.5 * math.sin((hop - first) * 0.42 + math.sin(hop * 0.11))
            level = loudest - 18 * (1 - syllable) - 22 * (1 - edge) + dice.gauss(0, 1.5)
            result[hop] = max(result[hop], min(level, -3.0))
    return tuple(result)


def play_sound(session: Any, *, open_threshold_dbfs: float = -46.0) -> None:
    """Fill the level strip."""
    session.levels_ready.emit(LevelBatch(0, levels(), -64.0, open_threshold_dbfs))
    for index, (first, length, _, state) in enumerate(STRETCHES):
        start, onset = (first - PRE_ROLL_HOPS) * HOP_FRAMES, first * HOP_FRAMES
        end = min(first + length + TIMEOUT_HOPS, HOPS) * HOP_FRAMES
        session.segment_changed.emit(SegmentMark(index, start, onset, end, state))


def dictate(session: Any) -> None:
    """Fill the transcript, with a gap and tentative words."""
    session.set_state(SessionState.HEARING, is_recording=True)
    start_s = 1.0
    for index, text in enumerate(SENTENCES):
        pause_s = 4.0 if index == 3 else 0.8
        start_s += pause_s
        session.utterance_ready.emit(utterance(index, text, start_s, start_s + 4.0))
        start_s += 4.0
        if index == 2:
            session.gap_found.emit(Gap(12.0, 1.2, LossCause.DEVICE))
    session.tentative_changed.emit(Tentative(9, 3, "i have asked the library for six more", "copies and they shou"))
    session.health_changed.emit(Health(0.4, 1.2, 412.0, 486.0))


def offer_choices(session: Any) -> None:
    """Inputs and models to choose from."""
    session.models = (ModelChoice("Starter English", "/models/starter", "en", "CC BY 4.0", 41_000_000),)
    session.devices_changed.emit(
        (
            InputDevice("Desk microphone", "ALSA", 2, 48_000, is_default=True),
            InputDevice("Headset", "PulseAudio", 1, 16_000),
        )
    )


def queue_files(queue: Any) -> None:
    """Three files: one at work, one done, one that has no sound."""
    text = "good morning and welcome to the talk\ntoday i want to speak about bread\n"
    queue.job_changed.emit(FileJob(0, "/home/anna/talk.mp4", FileJobState.RUNNING, 0.42, 310.0, 14.2, text))
    queue.job_changed.emit(
        FileJob(1, "/home/anna/memo.m4a", FileJobState.DONE, 1.0, 35.0, 15.8, "buy flour and salt\n")
    )
    queue.job_changed.emit(
        FileJob(
            2,
            "/home/anna/slides.mov",
            FileJobState.FAILED,
            0.0,
            message="There is no sound in this file.",
            remedy="Choose a file with an audio track.",
        )
    )
    queue.job_changed.emit(FileJob(3, "/home/anna/interview.flac"))
