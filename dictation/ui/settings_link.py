"""Connects controls with the settings: a change goes to the store, and from the store to session and controls."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from dictation.core.calibration import Calibration
from dictation.core.settings import (
    AudioSettings,
    RecognizerSettings,
    RecoverySettings,
    SegmenterSettings,
    WindowSettings,
)
from dictation.core.status import ModelStatus

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow


class SettingsLink(QObject):
    """One way for every change, wherever it is made: ``store.update``, then ``store.changed``."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window, self._store, self._session = window, window.settings_store, window.session
        panel, bar = window.side_panel, window.status_bar
        panel.segmenter_changed.connect(self._store.update)
        panel.record_mode_changed.connect(self._set_record_mode)
        panel.input.input_chosen.connect(self._store.update)
        panel.recovery_changed.connect(self._store.update)
        panel.calibration.undo_wanted.connect(self._set_threshold)
        bar.input_chosen.connect(self._store.update)
        bar.recognizer_chosen.connect(self._choose_recognizer)
        window.level_strip.threshold_moved.connect(self._set_threshold)
        window.session.calibrated.connect(self._on_calibrated)
        window.session.model_changed.connect(self._on_model_changed)
        window.actions_by_id["panel"].setCheckable(True)
        window.actions_by_id["panel"].toggled.connect(self._on_panel_toggled)
        self._store.changed.connect(self._on_changed)
        settings = self._store.settings
        for section in (settings.segmenter, settings.audio, settings.recognizer, settings.window, settings.recovery):
            self._show(section)
        for problem in self._store.problems:
            window.banner.tell("Some settings could not be used.", problem)

    def _on_changed(self, section: Any) -> None:
        """A section was replaced: let the session act on it and the controls show it."""
        if isinstance(section, SegmenterSettings):
            self._session.configure_segmenter(section)
        elif isinstance(section, AudioSettings):
            self._session.choose_input(section)
        elif isinstance(section, RecognizerSettings):
            self._session.configure_recognizer(section)
        elif isinstance(section, RecoverySettings):
            self._session.keep_sound(section)
        self._show(section)

    def _show(self, section: Any) -> None:
        """Show a section in the controls."""
        window = self._window
        if isinstance(section, SegmenterSettings):
            window.level_strip.set_threshold(section.threshold_dbfs)
            window.side_panel.set_segmenter(section)
        elif isinstance(section, AudioSettings):
            window.side_panel.input.set_settings(section)
            window.status_bar.set_audio(section)
        elif isinstance(section, RecognizerSettings):
            window.status_bar.set_recognizer(section)
        elif isinstance(section, RecoverySettings):
            window.side_panel.set_recovery(section)
        elif isinstance(section, WindowSettings):
            window.record_button.set_mode(section.record_mode)
            window.side_panel.set_record_mode(section.record_mode)
            window.documents.set_font_px(section.font_px)
            window.side_panel.setVisible(section.panel_open)
            window.actions_by_id["panel"].setChecked(section.panel_open)

    def _set_threshold(self, threshold_dbfs: float) -> None:
        """Change the threshold alone."""
        self._store.update(replace(self._store.settings.segmenter, threshold_dbfs=threshold_dbfs))

    def _set_record_mode(self, mode: str) -> None:
        """Change the record mode alone."""
        self._store.update(replace(self._store.settings.window, record_mode=mode))

    def _on_panel_toggled(self, is_open: bool) -> None:
        """Open or close the panel, remember it, and have the list of inputs fresh when it opens."""
        self._store.update(replace(self._store.settings.window, panel_open=is_open))
        if is_open:
            self._session.refresh_devices()

    def _on_calibrated(self, calibration: Calibration) -> None:
        """Take over the proposed threshold, and keep the old one for Undo."""
        previous_dbfs = self._store.settings.segmenter.threshold_dbfs
        self._set_threshold(calibration.threshold_dbfs)
        self._window.side_panel.calibration.show_result(calibration, previous_dbfs)

    def _on_model_changed(self, status: ModelStatus) -> None:
        """Forget a model that could not be loaded, so that the next start begins with the one that works."""
        fallback, chosen = status.fallback, self._store.settings.recognizer
        if fallback is not None and chosen.model_path == fallback.refused_path:
            self._store.update(replace(chosen, model_path=fallback.used_path))

    def _choose_recognizer(self, settings: RecognizerSettings) -> None:
        """Take over model and processor; the same choice again means "try again"."""
        if settings == self._store.settings.recognizer:
            self._session.configure_recognizer(settings)
        else:
            self._store.update(settings)
