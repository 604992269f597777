"""One model of the library: what is known of it, what can be done with it, and what is being done."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from dictation.core.library_status import HELD_JOBS, LanguageModelOffer, LibraryJob, LibraryJobState, LibraryModel
from dictation.ui.icons import pixmap, set_icon
from dictation.ui.model_words import LIBRARY_LOOKS, facts_text, job_text, offer_text, rates_text, size_text
from dictation.ui.theme import colour, current_tokens

SHOWN_RATES = 2
_VERBS = {
    "use": ("Use", "check"),
    "language": ("Language model", "words"),
    "download": ("Download", "download"),
    "pause": ("Pause", "pause"),
    "resume": ("Resume", "resume"),
    "retry": ("Try again", "refresh"),
    "cancel": ("Cancel", "cancel"),
    "discard": ("Discard", "clear"),
    "remove": ("Remove", "clear"),
}


class ModelRow(QFrame):
    """Announces what is asked for by a verb of ``_VERBS`` and the row's key; asks once more before removing.

    The verb "language" opens a menu, and ``language_model_wanted`` gives the ``LanguageModelOffer`` chosen there.
    """

    wanted = Signal(str, str)
    language_model_wanted = Signal(object, str)
    tab_stops_changed = Signal()

    def __init__(self, key: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelRow")
        self.key = key
        self._name = name
        self._model: LibraryModel | None = None
        self._job: LibraryJob | None = None
        self._is_used = self._is_asking = False
        self.title, self.facts, self.rates, self.status = QLabel(name), QLabel(), QLabel(), QLabel()
        self.title.setProperty("kind", "title")
        for label in (self.facts, self.rates, self.status):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.facts.setProperty("kind", "muted")
        self.rates.setProperty("kind", "muted")
        self.more_button = QPushButton(autoDefault=False, checkable=True)
        self.more_button.setAccessibleName(f"All word error rates of {name}")
        self.more_button.toggled.connect(self._show)
        self._symbol = QLabel()
        self._symbol.setFixedSize(20, 20)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName(f"Progress of {name}")
        self.buttons: dict[str, QPushButton] = {}
        self._offers: tuple[LanguageModelOffer, ...] = ()
        self.language_menu = QMenu(self, toolTipsVisible=True)
        self.language_menu.setAccessibleName(f"Language models for {name}")
        self.keep_button = QPushButton("Keep", autoDefault=False)
        self.keep_button.setProperty("outlined", True)
        self.keep_button.setAccessibleName(f"Keep {name}")
        self.keep_button.clicked.connect(lambda: self._ask(is_asking=False))
        self._lay_out()

    @property
    def tab_stops(self) -> list[QPushButton]:
        """Its buttons in the order of the keyboard, hidden ones too."""
        made = [button for verb, button in self.buttons.items() if verb != "remove"]
        remove = [self.buttons["remove"]] if "remove" in self.buttons else []
        return [*made, self.keep_button, *remove, self.more_button]

    def offer(self, offers: tuple[LanguageModelOffer, ...]) -> None:
        """Take the language models that the model can be given; ``show_model`` shows them."""
        if offers == self._offers:
            return  # an open menu stays
        self._offers = offers
        self.language_menu.clear()
        for one in offers:
            action = self.language_menu.addAction(offer_text(one))
            action.setToolTip(" · ".join(words for words in (one.licence, one.remark) if words))
            action.triggered.connect(lambda _=False, one=one: self.language_model_wanted.emit(one, self.key))

    def show_model(self, model: LibraryModel | None, job: LibraryJob | None, *, is_used: bool) -> None:
        """Show what is known of the model, what is being done with it, and whether it is the one in use."""
        self._model, self._job, self._is_used = model, job, is_used
        self._show()

    def show_job(self, job: LibraryJob | None) -> None:
        """Show what is being done with it; None if nothing is."""
        self._job = job
        self._show()

    def _lay_out(self) -> None:
        self._button_row = QHBoxLayout()
        self._button_row.setSpacing(4)
        self._button_row.addWidget(self.keep_button)
        grid = QGridLayout(self, horizontalSpacing=16, verticalSpacing=4)
        grid.setContentsMargins(16, 8, 8, 8)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.title, 0, 0)
        grid.addLayout(self._button_row, 0, 1, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(self.facts, 1, 0, 1, 2)
        rates = QHBoxLayout()  # of its own: three wide buttons above must not narrow the text
        rates.setSpacing(16)
        rates.addWidget(self.rates, 1)
        rates.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(rates, 2, 0, 1, 2)
        grid.addWidget(self.progress, 3, 0, 1, 2)
        status = QHBoxLayout()
        status.setSpacing(8)
        status.addWidget(self._symbol, 0, Qt.AlignmentFlag.AlignTop)
        status.addWidget(self.status, 1)
        grid.addLayout(status, 4, 0, 1, 2)

    def _make_buttons(self, verbs: set[str]) -> None:
        """Make the buttons wanted for the first time: all of them in 11 rows took 58 ms, these take 33 (measured)."""
        missing = verbs - set(self.buttons)
        if not missing:
            return
        made = {**self.buttons, **{verb: self._button(verb) for verb in missing}}
        self.buttons = {verb: made[verb] for verb in _VERBS if verb in made}
        for place, button in enumerate(self.tab_stops[:-1]):
            self._button_row.insertWidget(place, button)
        self.tab_stops_changed.emit()

    def _button(self, verb: str) -> QPushButton:
        words, icon = _VERBS[verb]
        button = QPushButton(words, autoDefault=False)
        button.setProperty("outlined", True)
        button.setAccessibleName(f"{words} {self._name}")
        set_icon(button, icon)
        if verb == "language":
            button.setMenu(self.language_menu)
        elif verb == "remove":
            button.clicked.connect(self._on_remove)
        else:
            button.clicked.connect(lambda: self._announce(verb))
        return button

    def _announce(self, verb: str) -> None:
        # The row's model is downloaded again to resume or retry: the download goes on where it stopped.
        self.wanted.emit({"resume": "download", "retry": "download"}.get(verb, verb), self.key)

    def _on_remove(self) -> None:
        """The first press asks, the second one removes."""
        if self._is_asking:
            self._ask(is_asking=False)
            self._announce("remove")
        else:
            self._ask(is_asking=True)

    def _ask(self, *, is_asking: bool) -> None:
        self._is_asking = is_asking
        self._show()
        (self.keep_button if is_asking else self.buttons["remove"]).setFocus()

    def _verbs(self) -> set[str]:
        """What can be done now."""
        model = self._model
        if self._job is not None:
            return self._verbs_of(self._job)
        if model is None:
            return set()
        if not model.is_installed:
            return {"resume", "discard"} if model.kept_bytes else {"download"}
        language = {"language"} if self._offers else set()
        if self._is_used:
            return language
        return {"use", *language, *(("remove",) if model.can_remove else ())}

    def _verbs_of(self, job: LibraryJob) -> set[str]:
        """What can be done about a job; an import cannot pause."""
        if job.state is LibraryJobState.PAUSED:
            return {"resume", "discard"}
        if job.state in HELD_JOBS:
            return {"retry", "discard"}
        is_waiting = self._model is not None and job.state is LibraryJobState.WAITING
        return {"pause", "cancel"} if is_waiting or job.state is LibraryJobState.DOWNLOADING else {"cancel"}

    def _show(self) -> None:
        """Show model, job and the buttons that make sense."""
        model, job = self._model, self._job
        self.title.setText(f"{self._name} (in use)" if self._is_used else self._name)
        self.setAccessibleName(self.title.text())
        self.facts.setText(facts_text(model) if model is not None else "")
        self.facts.setVisible(model is not None)
        self._show_rates(model)
        self.status.setText(self._status_text())
        self.status.setVisible(bool(self.status.text()))
        self.progress.setVisible(job is not None and job.state not in HELD_JOBS)
        self._symbol.setVisible(job is not None)
        if job is not None:
            look = LIBRARY_LOOKS[job.state]
            tint = colour(current_tokens(), look.role).name()
            self._symbol.setPixmap(pixmap(look.icon, tint, 20, self.devicePixelRatioF()))
            self.progress.setRange(0, 0 if job.fraction is None else 1000)
            self.progress.setValue(round((job.fraction or 0.0) * 1000))
        self._show_buttons()

    def _show_rates(self, model: LibraryModel | None) -> None:
        """The first word error rates, or all of them if wanted."""
        is_open, count = self.more_button.isChecked(), len(model.rates) if model is not None else 0
        self.rates.setText(rates_text(model, count if is_open else SHOWN_RATES) if model is not None else "")
        self.rates.setVisible(model is not None)
        self.more_button.setText("Fewer" if is_open else f"{count - SHOWN_RATES} more")
        self.more_button.setVisible(count > SHOWN_RATES)

    def _status_text(self) -> str:
        if self._job is not None:
            return job_text(self._job)
        if self._is_asking and self._model is not None:
            return f"Remove {self._name} and free {size_text(self._model.size_bytes)}?"
        if self._model is not None and self._model.kept_bytes:
            return f"{size_text(self._model.kept_bytes)} have been downloaded already."
        return ""

    def _show_buttons(self) -> None:
        """A button that goes takes the keyboard to the one that takes its place, or to the row, never to another's."""
        had_focus = any(button.hasFocus() for button in self.buttons.values())
        verbs = self._verbs()
        self._is_asking = self._is_asking and "remove" in verbs
        if self._is_asking:
            verbs = {"remove"}
        self._make_buttons(verbs)
        for verb, button in self.buttons.items():
            button.setVisible(verb in verbs)
        self.keep_button.setVisible(self._is_asking)
        if had_focus and not any(button.hasFocus() for button in self.buttons.values()):
            next(iter(button for button in self.tab_stops if not button.isHidden()), self).setFocus()
