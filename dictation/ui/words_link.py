"""Connects the words window with settings, check and personal models; it is made when it is first wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from dictation.core.errors import DictationError
from dictation.core.hotwords import split_hint
from dictation.core.personal import PersonalModelChoice, PersonalModelReport
from dictation.core.reading_texts import reading_text
from dictation.core.settings import RecognizerSettings
from dictation.core.status import ModelState, ModelStatus
from dictation.core.word_check import WordCheckReport
from dictation.runtime.word_check import CheckEnd, WordCheckRunner
from dictation.ui.personal_panel import report_text
from dictation.ui.words_window import WordsWindow

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow

_END_WORDS = {
    CheckEnd.CANCELLED: "Stopped.",
    CheckEnd.INTERRUPTED: "Stopped, because the record button was used.",
}


class WordsLink(QObject):
    """Words and weight go to the store, and from the store to the window; the check is the runner's."""

    def __init__(self, main_window: MainWindow) -> None:
        super().__init__(main_window)
        self._main_window = main_window
        self._session, self._store = main_window.session, main_window.settings_store
        self._window: WordsWindow | None = None
        self._text_to_read = ""
        self._runner = WordCheckRunner(self._session, lambda: self._store.settings.recognizer.hotwords, self)
        self._runner.report_changed.connect(self._on_report)
        self._runner.ended.connect(self._on_ended)
        self._runner.segment_changed.connect(main_window.level_strip.mark_segment)
        self._store.changed.connect(self._on_changed)
        self._session.model_changed.connect(self._on_model_changed)
        self._personal = main_window.personal_library
        self._personal.listing_changed.connect(self._on_personal_listing)
        self._personal.built.connect(self._on_built)
        self._personal.build_failed.connect(self._on_build_failed)
        self._personal.failed.connect(self._on_personal_failed)

    @property
    def window(self) -> WordsWindow:
        """The window, hidden until it is opened."""
        if self._window is None:
            self._window = WordsWindow(self._main_window)
            self._window.set_recognizer(self._store.settings.recognizer)
            self._window.set_model_note(self._session.model_status.note)
            self._window.words_changed.connect(lambda words: self._update(hotwords=words))
            self._window.weight_changed.connect(lambda weight: self._update(hotword_weight=weight))
            self._window.check.check_wanted.connect(self._on_check_wanted)
            self._window.check.finish_wanted.connect(self._runner.finish)
            self._window.check.cancel_wanted.connect(self._runner.cancel)
            panel = self._window.personal
            panel.build_wanted.connect(self._personal.build)
            panel.cancel_wanted.connect(self._personal.cancel)
            panel.use_wanted.connect(lambda name: self._update(personal_model=name))
            panel.remove_wanted.connect(self._on_remove_wanted)
            self._personal.progress_changed.connect(panel.show_progress)
        return self._window

    def open(self) -> None:
        """Show the window, or bring it forward."""
        self.window.open_in_front()
        self._personal.refresh()

    def _update(self, **changes: Any) -> None:
        self._store.update(replace(self._store.settings.recognizer, **changes))

    def _on_changed(self, section: Any) -> None:
        if self._window is not None and isinstance(section, RecognizerSettings):
            self._window.set_recognizer(section)
            self._window.personal.set_used(section.personal_model)

    def _on_model_changed(self, status: ModelStatus) -> None:
        if self._window is not None and status.state is not ModelState.LOADING:
            self._window.set_model_note(status.note)

    def _on_personal_listing(self, choices: tuple[PersonalModelChoice, ...]) -> None:
        if self._window is not None:
            self._window.personal.show_models(choices, self._store.settings.recognizer.personal_model)

    def _on_built(self, report: PersonalModelReport) -> None:
        """Use what was just built; one of the same name that is in use already is loaded anew."""
        self.window.personal.show_idle(report_text(report))
        if self._store.settings.recognizer.personal_model == report.name:
            self._session.reload_model()
        else:
            self._update(personal_model=report.name)

    def _on_build_failed(self, error: DictationError | None) -> None:
        self.window.personal.show_idle("Cancelled; nothing was kept." if error is None else f"{error} {error.remedy}")

    def _on_personal_failed(self, error: DictationError) -> None:
        self.window.personal.show_idle(f"{error} {error.remedy}".strip())

    def _on_remove_wanted(self, name: str) -> None:
        """Take a model out of use before it goes."""
        if self._store.settings.recognizer.personal_model == name:
            self._update(personal_model="")
        self._personal.remove(name)

    def _on_check_wanted(self, word: str) -> None:
        """Start, with a text in the language of the model in use."""
        name = self._session.model_status.name
        languages = [model.language for model in self._session.list_models() if model.name == name]
        self._text_to_read = reading_text(languages[0], split_hint(word)[0]) if languages else ""
        self._runner.start(word)

    def _on_report(self, report: WordCheckReport) -> None:
        self.window.check.show_report(report, self._text_to_read)

    def _on_ended(self, how: CheckEnd, error: DictationError | None) -> None:
        if how is not CheckEnd.FINISHED:
            message = f"{error} {error.remedy}" if error is not None else _END_WORDS[how]
            self.window.check.show_stopped(message.strip())
