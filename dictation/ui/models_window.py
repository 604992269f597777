"""The models: two recommended, those installed, the rest by language; filter, import, network switch, free space."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from dictation.core.library_status import (
    ENDED_JOBS,
    LanguageModelOffer,
    LibraryJob,
    LibraryJobState,
    LibraryListing,
    LibraryModel,
)
from dictation.core.settings import NetworkSettings
from dictation.ui.drop_overlay import local_paths
from dictation.ui.icons import set_icon
from dictation.ui.model_row import ModelRow
from dictation.ui.model_words import group_of, group_order, is_match, language_models_for, size_text

FIRST_SIZE_PX = (820, 640)
JOBS = "Imports and downloads"
"""The heading of jobs that have no model's row: imports, and language models on their way."""


class ModelsWindow(QDialog):
    """Shows and announces; what is asked of a model comes as ``wanted`` with a verb and the model's key."""

    wanted = Signal(str, str)
    language_model_wanted = Signal(object, str)
    import_wanted = Signal(object)
    network_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.setModal(False)
        self.setAcceptDrops(True)
        self.rows: dict[str, ModelRow] = {}
        self._headings: list[QLabel] = []
        self._ordered: list[ModelRow] = []
        self._models: dict[str, LibraryModel] = {}
        self._offers: tuple[LanguageModelOffer, ...] = ()
        self._jobs: dict[str, LibraryJob] = {}
        self._used_path = ""
        self._network = NetworkSettings()
        self.filter = QLineEdit(placeholderText="Filter by name, language or licence", clearButtonEnabled=True)
        self.filter.setAccessibleName("Filter the models")
        self.filter.textChanged.connect(self._show_matches)
        self.import_button = self._make_import_button()
        self.offline = QCheckBox("Never use the network")
        self.offline.setAccessibleName("Never use the network")
        self.offline.setToolTip("Downloads are refused; models can still be imported from a disk")
        self.offline.toggled.connect(lambda is_offline: self._set_network(is_allowed=not is_offline))
        self.mirror = QLineEdit(placeholderText="Mirror: none")
        self.mirror.setAccessibleName("Mirror")
        self.mirror.setToolTip(NetworkSettings.__dataclass_fields__["mirror_url"].metadata["help"])
        self.mirror.editingFinished.connect(lambda: self._set_network(mirror_url=self.mirror.text().strip()))
        self.space, self.remark = QLabel(), QLabel(wordWrap=True)
        self.space.setProperty("kind", "muted")
        self._column = QVBoxLayout()
        self._lay_out()
        QShortcut(QKeySequence.StandardKey.Find, self, self.filter.setFocus)
        self.resize(*FIRST_SIZE_PX)
        self.filter.setFocus()

    def show_listing(self, listing: LibraryListing, used_path: str) -> None:
        """Show what there is; ``used_path`` is the folder of the model in use."""
        self._models = {model.key: model for model in listing.models}
        self._offers = listing.language_models
        self._used_path = used_path
        self.space.setText(f"{size_text(listing.free_bytes)} free")
        self.space.setToolTip(f"Models are installed in {listing.folder}")
        self.tell(listing.problem)
        self._rebuild()

    def set_used(self, used_path: str) -> None:
        """Show which model is in use."""
        self._used_path = used_path
        self._show_rows()

    def show_job(self, job: LibraryJob) -> None:
        """Show a job in its model's row; an import has a row of its own for as long as it lasts."""
        if job.state in ENDED_JOBS:
            self._jobs.pop(job.key, None)
            if job.state is LibraryJobState.DONE:
                self.tell(f"{job.message or job.name} is ready to use.")
        else:
            self._jobs[job.key] = job
        if job.key in self._models:
            self.rows[job.key].show_job(self._jobs.get(job.key))
        elif job.key in self.rows and job.key in self._jobs:
            self.rows[job.key].show_job(job)
        else:
            self._rebuild()

    def set_network(self, settings: NetworkSettings) -> None:
        """Show network settings that were changed elsewhere."""
        self._network = settings
        self.offline.setChecked(not settings.is_allowed)
        self.mirror.setText(settings.mirror_url)

    def tell(self, message: str) -> None:
        """Show a remark above the list; an empty one takes it away."""
        self.remark.setText(message)
        self.remark.setVisible(bool(message))

    def open_in_front(self) -> None:
        """Show the window, or bring it forward."""
        self.show()
        self.raise_()
        self.activateWindow()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders may be dropped."""
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Import what was dropped."""
        paths = local_paths(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self._import(paths)

    def _make_import_button(self) -> QPushButton:
        """Import from a folder or from a file: file dialogs cannot offer both at once."""
        button = QPushButton("Import", autoDefault=False)
        button.setProperty("outlined", True)
        button.setAccessibleName("Import a model")
        button.setToolTip("Import a model from a folder or a file; or drop it onto this window")
        set_icon(button, "open")
        self.import_menu = QMenu(self)
        self.import_menu.setAccessibleName("Import")
        self.import_menu.addAction("From a folder…").triggered.connect(self._choose_folder)
        self.import_menu.addAction("From a file…").triggered.connect(self._choose_file)
        button.setMenu(self.import_menu)
        return button

    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Import a model folder")
        if folder:
            self._import([Path(folder)])

    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Import a model or a language model")
        if name:
            self._import([Path(name)])

    def _import(self, paths: Iterable[Path]) -> None:
        for path in paths:
            self.import_wanted.emit(path)

    def _set_network(self, **changes: object) -> None:
        """Announce other network settings."""
        changed = replace(self._network, **changes)  # type: ignore[arg-type]  # names and types are the settings' own
        if changed != self._network:
            self._network = changed
            self.network_changed.emit(changed)

    def _lay_out(self) -> None:
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.filter, 1)
        top.addWidget(self.import_button)
        bottom.setSpacing(16)
        bottom.addWidget(self.offline)
        bottom.addWidget(self.mirror, 1)
        bottom.addWidget(self.space)
        body = QWidget()
        body.setObjectName("modelList")
        body.setLayout(self._column)
        self._column.setContentsMargins(0, 0, 8, 0)
        self._column.setSpacing(8)
        self._column.addStretch(1)
        scroller = QScrollArea(widgetResizable=True)
        scroller.setObjectName("modelScroller")
        scroller.setFrameShape(QFrame.Shape.NoFrame)
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroller.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 16, 16)
        column.setSpacing(12)
        column.addLayout(top)
        column.addWidget(self.remark)
        column.addWidget(scroller, 1)
        column.addLayout(bottom)
        self.remark.hide()

    def _show_rows(self) -> None:
        """Bring every row up to date."""
        for key, row in self.rows.items():
            model = self._models.get(key)
            is_used = model is not None and model.is_installed and model.path == self._used_path
            row.offer(language_models_for(model, self._offers) if model is not None else ())
            row.show_model(model, self._jobs.get(key), is_used=is_used)

    def _rebuild(self) -> None:
        """Arrange rows under their headings; rows that stay keep the keyboard."""
        imports = {key: job.name for key, job in self._jobs.items() if key not in self._models}
        names = {**imports, **{key: model.name for key, model in self._models.items()}}
        for key in set(self.rows) - set(names):
            self.rows.pop(key).deleteLater()
        for key, name in names.items():
            if key not in self.rows:
                self.rows[key] = ModelRow(key, name)
                self.rows[key].wanted.connect(self.wanted)
                self.rows[key].language_model_wanted.connect(self.language_model_wanted)
                self.rows[key].tab_stops_changed.connect(self._order_tabs)
        self._ordered = []  # new rows have no place in the order of the keyboard until they are arranged
        self._show_rows()
        groups: dict[str, list[str]] = {JOBS: list(imports)} if imports else {}
        by_group = sorted(self._models.values(), key=lambda model: group_order(group_of(model)))
        for model in by_group:
            groups.setdefault(group_of(model), []).append(model.key)
        self._arrange(groups)
        self._show_matches()

    def _arrange(self, groups: dict[str, list[str]]) -> None:
        """Put headings and rows into the column in this order, before its stretch.

        A row that is there already moves. What ``takeAt`` gives lives on, and a widget tells only its first layout item
        that its height has changed: rows that were taken out and put in again were cut off below.
        """
        for heading in self._headings:
            self._column.removeWidget(heading)
            heading.hide()
            heading.deleteLater()
        self._headings = []
        ordered: list[QWidget] = []
        for group, keys in groups.items():
            heading = QLabel(group)
            heading.setProperty("kind", "section")
            heading.setProperty("keys", keys)
            self._headings.append(heading)
            ordered += [heading, *(self.rows[key] for key in keys)]
        for place, widget in enumerate(ordered):
            self._column.insertWidget(place, widget)
        self._ordered = [self.rows[key] for keys in groups.values() for key in keys]
        self._order_tabs()

    def _order_tabs(self) -> None:
        """Let Tab go from top to bottom; by itself it follows the order in which buttons were made."""
        if not self._ordered:
            return
        stops = [button for row in self._ordered for button in row.tab_stops]
        for first, second in pairwise([self.import_button, *stops, self.offline, self.mirror]):
            QWidget.setTabOrder(first, second)

    def _show_matches(self) -> None:
        """Hide rows that the filter leaves out, and headings without rows; imports always show."""
        wanted = self.filter.text()
        matches = {key: key not in self._models or is_match(self._models[key], wanted) for key in self.rows}
        for key, row in self.rows.items():
            row.setVisible(matches[key])
        for heading in self._headings:
            heading.setVisible(any(matches[key] for key in heading.property("keys")))
