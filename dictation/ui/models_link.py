"""Connects the models window with the library and the settings; the window is made when it is first wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from dictation.core.errors import DictationError
from dictation.core.library_status import LanguageModelOffer, LibraryJob, LibraryJobState, LibraryListing
from dictation.core.settings import NetworkSettings, RecognizerSettings
from dictation.ui.models_window import ModelsWindow

if TYPE_CHECKING:
    from dictation.ui.main_window import MainWindow


class ModelsLink(QObject):
    """What the window asks for goes to the library; what the library says goes to the window."""

    def __init__(self, main_window: MainWindow) -> None:
        super().__init__(main_window)
        self._main_window, self._library = main_window, main_window.model_library
        self._store = main_window.settings_store
        self._window: ModelsWindow | None = None
        self._listing = LibraryListing()
        self._renewed: set[str] = set()
        self._library.listing_changed.connect(self._on_listing)
        self._library.job_changed.connect(self._on_job)
        self._library.failed.connect(self._on_failed)
        self._library.dropped_media.connect(main_window.file_queue.add)
        self._store.changed.connect(self._on_settings)
        main_window.status_bar.manager_wanted.connect(self.open)

    @property
    def window(self) -> ModelsWindow:
        """The window, hidden until it is opened."""
        if self._window is None:
            self._window = ModelsWindow(self._main_window)
            self._window.set_network(self._store.settings.network)
            self._window.wanted.connect(self._on_wanted)
            self._window.language_model_wanted.connect(self._on_language_model_wanted)
            self._window.import_wanted.connect(self._library.import_from)
            self._window.network_changed.connect(self._store.update)
            for job in self._library.jobs:
                self._window.show_job(job)
        return self._window

    @property
    def _is_window_shown(self) -> bool:
        return self._window is not None and self._window.isVisible()

    def open(self) -> None:
        """Show the window, or bring it forward, with a fresh list."""
        self.window.open_in_front()
        self._library.refresh()

    def _on_wanted(self, verb: str, key: str) -> None:
        """Do what was asked of one model or job."""
        models = {model.key: model for model in self._listing.models}
        model = models.get(key)
        if verb == "use" and model is not None:
            self._store.update(replace(self._store.settings.recognizer, model_path=model.path))
        elif verb == "download" and model is not None:
            self._library.download(key, model.name)
        elif verb == "download":
            self._library.retry(key)
        elif verb == "remove" and model is not None:
            self._library.remove(model.path)
        elif verb == "pause":
            self._library.pause(key)
        elif verb == "discard" and key not in {job.key for job in self._library.jobs}:
            self._library.discard_kept(key)
        elif verb in {"cancel", "discard"}:
            self._library.cancel(key)

    def _on_language_model_wanted(self, offer: LanguageModelOffer, key: str) -> None:
        """Have another language model downloaded for an installed model, if that is still there."""
        for model in self._listing.models:
            if model.key == key and model.is_installed:
                self._library.download_language_model(offer.key, f"{offer.name} for {model.name}", model.path)

    def _used_path(self) -> str:
        """The folder of the model in use: the chosen one if it is there, else the one that is used without a choice."""
        chosen = self._store.settings.recognizer.model_path
        is_there = any(model.path == chosen for model in self._listing.models if model.is_installed)
        return chosen if is_there else self._listing.first_path

    def _on_listing(self, listing: LibraryListing) -> None:
        self._listing = listing
        if self._used_path() in self._renewed:  # another language model for the model in use
            self._main_window.session.reload_model()
        self._renewed -= {model.path for model in listing.models}
        if self._window is not None:
            self._window.show_listing(listing, self._used_path())

    def _on_settings(self, section: Any) -> None:
        if self._window is None:
            return
        if isinstance(section, NetworkSettings):
            self._window.set_network(section)
        elif isinstance(section, RecognizerSettings):
            self._window.set_used(self._used_path())

    def _on_job(self, job: LibraryJob) -> None:
        """Show a job; its end and its failure are told in the main window too, where an import may have begun."""
        if self._window is not None:
            self._window.show_job(job)
        if job.state is LibraryJobState.FAILED:
            self._main_window.banner.tell(f"{job.name}: {job.message}", job.remedy)
        elif job.state is LibraryJobState.DONE:
            where = "" if self._is_window_shown else " (Models: F6)"
            self._main_window.toast.tell(f"{job.message or job.name} is ready to use{where}")
            self._renewed.add(job.path)  # what is used tells the list that follows
        elif job.state is LibraryJobState.WAITING and not self._is_window_shown:
            self._main_window.toast.tell(f"Importing {job.name}")

    def _on_failed(self, error: DictationError) -> None:
        if self._window is not None and self._is_window_shown:
            self._window.tell(f"{error} {error.remedy}".strip())
        else:
            self._main_window.banner.tell(str(error), error.remedy)
