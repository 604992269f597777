"""Connects the session and the file queue with what shows them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from dictation.core.errors import DictationError
from dictation.core.records import Gap
from dictation.core.status import FileJob, InputState, InputStatus, ModelState, ModelStatus, SessionState
from dictation.ui.presentation import input_trouble, model_trouble, session_look

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow

_LISTENING_WORDS = "Listening. Speak, and your words appear here."
_WAITING_WORDS = "Recording is on, but no sound arrives. Words appear here when it does."
_STRIP_NOTICES = {
    InputState.CLOSED: "Microphone off",
    InputState.OPENING: "Opening the microphone…",
    InputState.SILENT: "Digital silence: is the microphone muted?",
    InputState.LOST: "Microphone lost. Waiting for it to come back…",
    InputState.NO_DEVICE: "No microphone found",
    InputState.REFUSED: "The microphone refused every format",
    InputState.NO_PORTAUDIO: "PortAudio is missing; files still work",
}


class SessionLink(QObject):
    """Shows every state, and passes on what is asked of the session."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._session = window, window.session
        self._was_recording = False
        self._told: dict[str, tuple[str, str]] = {}
        self._connect_session()
        window.record_button.record_wanted.connect(self._record)
        window.record_button.stop_wanted.connect(self._stop)
        window.side_panel.calibration.calibration_wanted.connect(self._session.calibrate)
        window.side_panel.input.refresh_wanted.connect(self._session.refresh_devices)
        window.status_bar.devices_wanted.connect(self._session.refresh_devices)
        window.status_bar.models_wanted.connect(self._fetch_models)
        window.file_jobs.cancel_wanted.connect(window.file_queue.cancel)
        window.file_jobs.shown.connect(window.documents.show_document)
        window.documents.close_wanted.connect(self._close_document)
        window.file_queue.job_changed.connect(self._on_job)
        window.documents.dictation.emptiness_changed.connect(self._show_empty_state)
        self._on_state(self._session.state)
        self._on_input(self._session.input_status)
        self._on_model(self._session.model_status)
        window.status_bar.show_health(self._session.health)

    def _connect_session(self) -> None:
        """Connect the session's signals."""
        window, session = self._window, self._session
        session.state_changed.connect(self._on_state)
        session.input_changed.connect(self._on_input)
        session.model_changed.connect(self._on_model)
        session.devices_changed.connect(window.side_panel.input.set_devices)
        session.devices_changed.connect(window.status_bar.set_devices)
        session.levels_ready.connect(window.level_strip.add_levels)
        session.segment_changed.connect(window.level_strip.mark_segment)
        session.tentative_changed.connect(window.live_text.show_tentative)
        session.utterance_ready.connect(window.live_text.add_utterance)
        session.gap_found.connect(self._on_gap)
        session.health_changed.connect(window.status_bar.show_health)
        session.failed.connect(self._on_failed)
        window.settings_store.failed.connect(self._on_failed)

    def _record(self) -> None:
        """Start recording, and show it even where the state stays the same, as when the input is broken."""
        self._session.record()
        self._on_state(self._session.state)

    def _stop(self) -> None:
        """Stop recording, likewise."""
        self._session.stop()
        self._on_state(self._session.state)

    def _on_state(self, state: SessionState) -> None:
        """Show what the session is doing."""
        window, is_recording = self._window, self._session.is_recording
        window.record_button.show_state(state, is_recording=is_recording)
        if is_recording and not self._was_recording:
            window.status_bar.popover.forget_gaps()
        self._was_recording = is_recording
        window.setWindowTitle(
            f"Dictation: {session_look(state, is_recording=True).text}" if is_recording else "Dictation"
        )
        self._show_empty_state()

    def _show_empty_state(self) -> None:
        """Show the three steps while there is neither text nor a recording."""
        window, is_recording = self._window, self._session.is_recording
        words = _WAITING_WORDS if self._session.state is SessionState.FAILED else _LISTENING_WORDS
        window.documents.dictation.setPlaceholderText(words if is_recording else "")
        window.documents.empty_state.setVisible(window.documents.dictation.is_empty and not is_recording)

    def _on_input(self, status: InputStatus) -> None:
        """Show the input in the bar and across the strip, and its trouble in the banner."""
        self._window.status_bar.show_input(status)
        self._window.level_strip.set_notice(_STRIP_NOTICES.get(status.state, ""))
        self._tell("input", input_trouble(status))

    def _on_model(self, status: ModelStatus) -> None:
        """Show the model in the bar, and its trouble in the banner."""
        self._window.status_bar.show_model(status)
        self._tell("model", model_trouble(status))
        if status.state is ModelState.READY and status.note and status.fallback is None:
            self._window.toast.tell(status.note)

    def _tell(self, part: str, trouble: tuple[str, str] | None) -> None:
        """Tell a trouble of a part once, and take it back when it is over."""
        told = self._told.pop(part, None)
        if told and told != trouble:
            self._window.banner.withdraw(*told)
        if trouble:
            self._told[part] = trouble
            if trouble != told:
                self._window.banner.tell(*trouble)

    def _on_gap(self, gap: Gap) -> None:
        """Mark lost audio in the text and count it by cause."""
        self._window.live_text.add_gap(gap)
        self._window.status_bar.popover.add_gap(gap)

    def _on_failed(self, error: DictationError) -> None:
        """Tell what went wrong, unless the same is already told as a state of input or model."""
        if str(error) not in {message for message, _ in self._told.values()}:
            self._window.banner.tell(str(error), error.remedy)

    def _fetch_models(self) -> None:
        """Bring the list of models up to date."""
        self._window.status_bar.set_models(self._session.list_models())

    def _on_job(self, job: FileJob) -> None:
        """Show a file's progress in the list and its text in its document."""
        self._window.file_jobs.show_job(job)
        self._window.documents.show_job(job)

    def _close_document(self, job_id: int) -> None:
        """Close a finished file's document, and take the file off the list."""
        document = self._window.documents.file_document(job_id)
        if document is not None:
            self._window.toast.tell(f"Closed {Path(document.path).name}. Ctrl+Shift+T brings it back")
        self._window.documents.close_document(job_id)
        self._window.file_jobs.dismiss(job_id)
