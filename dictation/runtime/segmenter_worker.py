"""The segmenter's thread: drains the input, cuts it into segments, and asks for words."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from dictation.audio.input_supervisor import InputReading, InputSupervisor
from dictation.core.calibration import calibrate
from dictation.core.errors import AudioError
from dictation.core.job_box import Job, JobBox, JobKind, gap_job, job_for
from dictation.core.records import (
    SAMPLE_RATE_HZ,
    Gap,
    LossCause,
    Samples,
    Segment,
    SegmentMark,
    SegmentState,
)
from dictation.core.segmenter import (
    SegmentClosed,
    Segmenter,
    SegmentEvent,
    SegmentOpened,
    SegmentPaused,
    SegmentRejected,
    SegmentResumed,
)
from dictation.core.settings import AudioSettings, RecoverySettings, SegmenterSettings
from dictation.core.status import InputState, InputStatus
from dictation.runtime.backends import Backends
from dictation.runtime.sound_journal import SoundJournal

IDLE_TICK_MS = 80
"""One wake-up handles all new blocks. Listening to a quiet room costs 1.0 % of a core so, and 2.6 % at 20 ms; the first
partial, due 200 ms after the onset, comes no later for it."""
OPEN_TICK_MS = 20
"""While speech is heard: its end is noticed, and its partials are asked for, 20 ms sooner."""
FIRST_PARTIAL_S = 0.16
"""Audio after the onset before the first partial: a syllable. If it gives no word yet, the next one comes in time."""
PARTIAL_EVERY_S = 0.18
"""New audio between partials; with blocks of 40 ms and a tick of 20 ms they come every 180 to 240 ms."""
STOP_TAIL_S = 0.30
"""After Record is released the ear stays open this long: people let go of the key while the last word rings."""
CALIBRATION_HOPS = 125
"""2 s."""
LEAST_GAP_S = 0.05
"""Less is no audible hole; a file that has been played to its end "loses" a few milliseconds until that is noticed."""
MARK_EVERY_S = 0.1
"""How often the open segment's box grows in the level strip."""


@dataclass
class _Partials:
    """How far the open segment has been offered for recognition."""

    segment_id: int
    due_frame: int
    revision: int = 0
    is_paused: bool = False


class SegmenterWorker(QObject):
    """Thread: every slot in the segmenter's own thread, called through queued signals.

    Signals: see ``Session``, which passes most of them on.
    """

    levels_ready = Signal(object)
    segment_changed = Signal(object)
    hearing_changed = Signal(bool)
    recording_changed = Signal(bool)
    segment_rejected = Signal(int)
    loss_found = Signal(object)
    input_changed = Signal(object)
    devices_changed = Signal(object)
    calibrated = Signal(object)
    check_heard = Signal(int, object)
    check_ended = Signal(int)
    failed = Signal(object)
    finished = Signal()

    def __init__(
        self, box: JobBox, backends: Backends, audio: AudioSettings, segmenter: SegmenterSettings,
        journal: SoundJournal | None = None,
    ) -> None:  # fmt: skip
        """Remember what to work with; ``journal`` keeps on the disk what is said, None keeps it in memory alone."""
        super().__init__()
        self._journal = journal
        self._box = box
        self._backends = backends
        self._supervisor = InputSupervisor(audio, backends.make_source, backends.refresh_inputs)
        self._segmenter = Segmenter(segmenter, is_armed=False)
        self._status: InputStatus | None = None
        self._partials: _Partials | None = None
        self._recording_since_s: float | None = None
        self._stop_at_s: float | None = None
        self._calibration: list[float] | None = None
        self._check_id: int | None = None
        self._next_mark_s = 0.0
        self._timer: QTimer | None = None

    @Slot()
    def begin(self) -> None:
        """Start draining; the first tick opens the input."""
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(IDLE_TICK_MS)

    @Slot()
    def record(self) -> None:
        """Let sound open segments; the pre-roll reaches back before this moment. It ends a check."""
        self.end_check()
        self._stop_at_s = None
        if self._recording_since_s is None:
            self._recording_since_s = time.perf_counter()
            self._segmenter.arm()
            self.recording_changed.emit(True)

    @Slot()
    def stop(self) -> None:
        """End the recording: at once if nothing is being heard, else after a short tail. It ends a check, too."""
        self.end_check()
        if self._recording_since_s is None:
            return
        self._tick()  # up to 80 ms of sound from before this moment wait to be heard
        if self._segmenter.is_open:
            self._stop_at_s = time.perf_counter() + STOP_TAIL_S
        else:
            self._end_recording()

    @Slot(object)
    def configure(self, settings: SegmenterSettings) -> None:
        """Use other segmenter settings from the next hop on."""
        self._segmenter.configure(settings)

    @Slot(object)
    def keep_sound(self, settings: RecoverySettings) -> None:
        """Begin or cease to keep on the disk what is said."""
        if self._journal is not None:
            self._journal.configure(settings)

    @Slot(object)
    def choose_input(self, settings: AudioSettings) -> None:
        """Switch to another device; what the old one has delivered is used first."""
        self._tick()
        self._hear(self._supervisor.choose(settings))
        self._handle(self._segmenter.mark_gap())

    @Slot()
    def refresh_devices(self) -> None:
        """Look for devices again and say what is there."""
        if self._recording_since_s is None:
            self._supervisor.look_again()
        try:
            self.devices_changed.emit(self._backends.list_inputs())
        except AudioError as error:
            self.devices_changed.emit(())
            self.failed.emit(error)

    @Slot()
    def begin_calibration(self) -> None:
        """Collect two seconds of levels, then propose a threshold."""
        self._calibration = []

    @Slot(int)
    def begin_check(self, check_id: int) -> None:
        """Send what is said from now on to ``check_heard`` and not to the transcript, recording or not.

        What was said before belongs to the transcript, and a recording goes on when the check ends.
        """
        self.end_check()
        self._tick()
        if self._stop_at_s is not None:
            self._end_recording()
        self._handle(self._segmenter.disarm())
        self._check_id = check_id
        self._segmenter.arm()

    @Slot()
    def end_check(self) -> None:
        """Hear the utterance in hand as part of the check, then go on as before it; nothing happens without one."""
        if self._check_id is None:
            return
        self._tick()
        self._handle(self._segmenter.disarm())
        check_id, self._check_id = self._check_id, None
        if self._recording_since_s is not None:
            self._segmenter.arm()
        self.check_ended.emit(check_id)

    @Slot()
    def finish(self) -> None:
        """Close the device, flush, and close the box; nothing that was heard is lost."""
        try:
            if self._timer is not None:
                self._timer.stop()
                self._tick()
            self.end_check()
            self._hear(self._supervisor.close())
            self._end_recording()
        finally:  # a bug on the last tick must not leave the recogniser waiting and the program running for ever
            self._box.close()
            self.finished.emit()

    @Slot()
    def _tick(self) -> None:
        """Take what is new from the input and let the segmenter hear it."""
        now_s = time.perf_counter()
        reading = self._supervisor.tick(now_s)
        self._note_missing(reading, now_s)
        self._hear(reading.samples)
        if self._journal is not None:
            self._journal.tend(now_s)
        self._show_status()
        if self._stop_at_s is not None and (now_s >= self._stop_at_s or not self._segmenter.is_open):
            self._end_recording()

    def _hear(self, samples: Samples) -> None:
        """Let the segmenter hear samples, ask for words, and show the levels."""
        if samples.size:
            self._handle(self._segmenter.push(samples))
            if self._journal is not None and self._check_id is None:
                self._journal.follow(self._segmenter)
            self._offer_partial()
            self._show_levels()

    def _show_status(self) -> None:
        """Pass on what the input is doing; a lost device ends the utterance, so that its words appear."""
        status = self._supervisor.status
        if status == self._status:
            return
        self._status = status
        if status.state is InputState.LOST:
            self._handle(self._segmenter.mark_gap())
        self.input_changed.emit(status)

    def _note_missing(self, reading: InputReading, now_s: float) -> None:
        """Mark lost audio in the transcript, as far as it was lost while recording."""
        for missing in reading.missing:
            self._handle(self._segmenter.mark_gap())
            self._add_gap(missing.lost_s, missing.cause, now_s)

    def _add_gap(self, lost_s: float, cause: LossCause, now_s: float) -> None:
        """Queue a gap for the transcript, behind the words before it; only what a recording misses is a loss."""
        if self._recording_since_s is None or self._check_id is not None or lost_s < LEAST_GAP_S:
            return
        at_s = self._segmenter.received_frames / SAMPLE_RATE_HZ
        gap = Gap(at_s, min(lost_s, now_s - self._recording_since_s), cause)
        self._box.put_final(gap_job(gap))
        self.loss_found.emit(gap)

    def _end_recording(self) -> None:
        """Close what is open and stop opening segments."""
        self._stop_at_s = None
        if self._recording_since_s is None:
            return
        self._handle(self._segmenter.disarm())
        if self._supervisor.lost_since_s is not None:  # stopped while waiting for a device to come back
            now_s = time.perf_counter()
            self._add_gap(now_s - self._supervisor.lost_since_s, LossCause.DEVICE, now_s)
        self._recording_since_s = None
        self.recording_changed.emit(False)

    def _handle(self, events: list[SegmentEvent]) -> None:
        """Turn what the segmenter noticed into jobs and signals."""
        for event in events:
            if isinstance(event, SegmentOpened):
                self._on_opened(event)
            elif isinstance(event, SegmentPaused):
                self._on_paused(event.segment)
            elif isinstance(event, SegmentResumed):
                self._on_resumed(event.segment_id)
            elif isinstance(event, SegmentRejected):
                self._on_rejected(event)
            else:
                self._on_closed(event)

    def _on_opened(self, event: SegmentOpened) -> None:
        due_frame = event.onset_frame + round(FIRST_PARTIAL_S * SAMPLE_RATE_HZ)
        self._partials = _Partials(event.segment_id, due_frame)
        self._box.hold_files(True)
        self._set_tick(OPEN_TICK_MS)
        self.hearing_changed.emit(True)

    def _on_paused(self, segment: Segment) -> None:
        """Decode the final text already while the silence timeout runs."""
        if self._partials is None or self._check_id is not None:
            return
        self._partials.is_paused = True
        self._partials.revision += 1
        job = job_for(JobKind.SPECULATIVE, segment, revision=self._partials.revision)
        self._box.put_newest(job)

    def _on_resumed(self, segment_id: int) -> None:
        if self._partials is not None:
            self._partials.is_paused = False
        self._box.withdraw(segment_id)

    def _on_rejected(self, event: SegmentRejected) -> None:
        if self._journal is not None:
            self._journal.drop(event.segment_id)
        self._box.withdraw(event.segment_id)
        self._forget_open()
        self.segment_rejected.emit(event.segment_id)
        self.segment_changed.emit(SegmentMark(
            event.segment_id, event.start_frame, event.onset_frame, event.end_frame, SegmentState.REJECTED,
        ))  # fmt: skip

    def _on_closed(self, event: SegmentClosed) -> None:
        segment = event.segment
        self._forget_open()
        self.segment_changed.emit(SegmentMark(
            segment.segment_id, segment.start_frame, segment.onset_frame, segment.end_frame, SegmentState.QUEUED,
        ))  # fmt: skip
        if self._check_id is not None:
            self.check_heard.emit(self._check_id, segment)
            return
        if self._journal is not None:
            self._journal.finish(segment)  # before there can be words for it, with which its sound goes
        now_s = time.perf_counter()
        behind_s = (self._segmenter.received_frames - segment.speech_end_frame) / SAMPLE_RATE_HZ
        job = job_for(JobKind.FINAL, segment, speech_end_s=now_s - behind_s, closed_s=now_s)
        for dropped in self._box.put_final(job):
            self._on_dropped(dropped)

    def _on_dropped(self, job: Job) -> None:
        """The backlog is full: its oldest segment becomes a visible gap."""
        self.loss_found.emit(Gap(job.start_frame / SAMPLE_RATE_HZ, job.length_s, LossCause.BACKLOG))
        self.segment_changed.emit(
            SegmentMark(job.segment_id, job.start_frame, job.onset_frame, job.end_frame, SegmentState.FAILED)
        )

    def _forget_open(self) -> None:
        self._partials = None
        self._box.hold_files(False)
        self._set_tick(IDLE_TICK_MS)
        self.hearing_changed.emit(False)

    def _set_tick(self, interval_ms: int) -> None:
        if self._timer is not None:
            self._timer.setInterval(interval_ms)

    def _offer_partial(self) -> None:
        """Offer the open utterance so far for recognition, if enough of it is new."""
        partials = self._partials
        if partials is None or partials.is_paused or self._check_id is not None:
            return
        if self._segmenter.received_frames < partials.due_frame:
            return
        audio = self._segmenter.open_audio()
        if audio is None or audio.segment_id != partials.segment_id:
            return
        partials.due_frame = self._segmenter.received_frames + round(PARTIAL_EVERY_S * SAMPLE_RATE_HZ)
        partials.revision += 1
        end_frame = audio.start_frame + audio.samples.size
        self._box.put_newest(Job(
            JobKind.PARTIAL, audio.segment_id, audio.start_frame, end_frame, audio.samples, partials.revision,
        ))  # fmt: skip

    def _show_levels(self) -> None:
        """Pass levels to the strip, the calibration, and now and then the growing box of the open segment."""
        levels = self._segmenter.take_levels()
        if levels is None:
            return
        self.levels_ready.emit(levels)
        if self._calibration is not None:
            self._calibration += levels.levels_dbfs
            if len(self._calibration) >= CALIBRATION_HOPS:
                self.calibrated.emit(calibrate(self._calibration))
                self._calibration = None
        now_s = time.perf_counter()
        if self._partials is not None and now_s >= self._next_mark_s:
            self._next_mark_s = now_s + MARK_EVERY_S
            span = self._segmenter.open_span()
            if span is not None:
                self.segment_changed.emit(SegmentMark(*span, SegmentState.OPEN))
