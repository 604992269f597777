"""Your documents: build a personal language model from them, see what it brings, use it or not, remove it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from dictation.core.personal import BuildProgress, PersonalModelChoice, PersonalModelReport
from dictation.ui.document_drop import DocumentDrop
from dictation.ui.model_words import size_text

DEFAULT_NAME = "My documents"
SHOWN_PROBLEMS = 10
INTRODUCTION = (
    "Your own texts teach the program how you put words together. A personal language model is made from them on this "
    "machine and mixed into the general one; nothing leaves it."
)


def report_text(report: PersonalModelReport) -> str:
    """What a build found, one fact per line."""
    lines = [
        f"{report.name}: {report.words:,} words in {report.sentences:,} sentences. "
        f"New to the general model: {report.new_words:,} words.",
        f"Weight in the mixture: {report.weight:.0%}.",
    ]
    if report.perplexity_before is not None and report.perplexity_after is not None:
        lines.append(
            f"Perplexity on {report.held_out_sentences:,} sentences of yours kept apart: "
            f"{report.perplexity_before:.0f} before, {report.perplexity_after:.0f} with it. Lower is better."
        )
    else:
        lines.append("There was too little text to keep some apart and measure what it brings.")
    if report.skipped_words:
        lines.append(f"{report.skipped_words:,} words or numbers that the model cannot spell were left out.")
    lines += report.problems[:SHOWN_PROBLEMS]
    if len(report.problems) > SHOWN_PROBLEMS:
        lines.append(f"{len(report.problems) - SHOWN_PROBLEMS} more documents could not be read.")
    return "\n".join(lines)


class PersonalRow(QFrame):
    """One installed personal model; asks once more before removing."""

    use_wanted = Signal(str)
    remove_wanted = Signal(str)

    def __init__(self, choice: PersonalModelChoice, *, is_used: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("modelRow")
        self._name, self._is_used = choice.name, is_used
        title = QLabel(f"{choice.name} (in use)" if is_used else choice.name)
        title.setProperty("kind", "title")
        facts = QLabel(
            f"{choice.words:,} words, {choice.new_words:,} of them new · weight {choice.weight:.0%} · for "
            f"{choice.general_model} · {choice.created} · {size_text(choice.size_bytes)}",
            wordWrap=True,
        )
        facts.setProperty("kind", "muted")
        verb = "Stop using" if is_used else "Use"
        self.use_button = self._button(verb, f"{verb} {choice.name}")
        self.remove_button = self._button("Remove", f"Remove {choice.name}")
        self.keep_button = self._button("Keep", f"Keep {choice.name}")
        self.keep_button.hide()
        self.use_button.clicked.connect(lambda: self.use_wanted.emit("" if self._is_used else self._name))
        self.remove_button.clicked.connect(self._on_remove)
        self.keep_button.clicked.connect(lambda: self._ask(is_asking=False))
        grid = QGridLayout(self, horizontalSpacing=4, verticalSpacing=4)
        grid.setContentsMargins(16, 8, 8, 8)
        grid.setColumnStretch(0, 1)
        grid.addWidget(title, 0, 0)
        for column, button in enumerate((self.use_button, self.keep_button, self.remove_button), start=1):
            grid.addWidget(button, 0, column)
        grid.addWidget(facts, 1, 0, 1, 4)

    @staticmethod
    def _button(words: str, name: str) -> QPushButton:
        button = QPushButton(words, autoDefault=False)
        button.setProperty("outlined", True)
        button.setAccessibleName(name)
        return button

    def _on_remove(self) -> None:
        """The first press asks, the second one removes."""
        if self.keep_button.isHidden():
            self._ask(is_asking=True)
        else:
            self.remove_wanted.emit(self._name)

    def _ask(self, *, is_asking: bool) -> None:
        self.use_button.setVisible(not is_asking)
        self.keep_button.setVisible(is_asking)
        self.remove_button.setText("Really remove" if is_asking else "Remove")
        (self.keep_button if is_asking else self.remove_button).setFocus()


class PersonalPanel(QWidget):
    """Shows and announces; it reads no document itself."""

    build_wanted = Signal(object, str)
    cancel_wanted = Signal()
    use_wanted = Signal(str)
    remove_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, PersonalRow] = {}
        self._choices: tuple[PersonalModelChoice, ...] = ()
        self._used_name = ""
        self.name = QLineEdit(DEFAULT_NAME)
        self.name.setAccessibleName("Name of the personal language model")
        self.name.setToolTip("A model of the same name is replaced")
        self.drop = DocumentDrop()
        self.drop.chosen.connect(lambda paths: self.build_wanted.emit(paths, self.name.text().strip() or DEFAULT_NAME))
        self.progress = QProgressBar(maximum=1000, textVisible=False)
        self.progress.setAccessibleName("Progress of the personal language model")
        self.cancel_button = QPushButton("Cancel", autoDefault=False)
        self.cancel_button.setProperty("outlined", True)
        self.cancel_button.setAccessibleName("Cancel building")
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.status = QLabel(wordWrap=True)
        self.status.setTextFormat(Qt.TextFormat.PlainText)
        self._list = QVBoxLayout()
        self._list.setSpacing(8)
        self._lay_out()
        self.show_idle()

    def show_models(self, choices: tuple[PersonalModelChoice, ...], used_name: str) -> None:
        """Show what is installed and which one is used."""
        self._choices, self._used_name = choices, used_name
        for row in self.rows.values():
            self._list.removeWidget(row)
            row.deleteLater()
        self.rows = {choice.name: PersonalRow(choice, is_used=choice.name == used_name) for choice in choices}
        for row in self.rows.values():
            row.use_wanted.connect(self.use_wanted)
            row.remove_wanted.connect(self.remove_wanted)
            self._list.addWidget(row)

    def set_used(self, used_name: str) -> None:
        """Show which model is used; the keyboard stays where it was."""
        if used_name == self._used_name:
            return
        focused = next((name for name, row in self.rows.items() if row.use_button.hasFocus()), "")
        self.show_models(self._choices, used_name)
        if focused in self.rows:
            self.rows[focused].use_button.setFocus()

    def show_progress(self, progress: BuildProgress) -> None:
        """Show how far a build is."""
        if not self.cancel_button.isVisibleTo(self):
            self.drop.setEnabled(False)
            self.progress.show()
            self.cancel_button.show()
            self.cancel_button.setFocus()
        self.progress.setValue(round(progress.fraction * 1000))
        self.status.setText(f"{progress.stage.value.capitalize()} {progress.detail}".strip())

    def show_idle(self, message: str = "") -> None:
        """No build runs; say how the last one ended."""
        had_focus = self.cancel_button.hasFocus()
        self.drop.setEnabled(True)
        self.progress.hide()
        self.cancel_button.hide()
        self.status.setText(message)
        if had_focus:
            self.drop.files_button.setFocus()

    def _lay_out(self) -> None:
        introduction = QLabel(INTRODUCTION, wordWrap=True)
        introduction.setProperty("kind", "muted")
        name_row, run_row = QHBoxLayout(), QHBoxLayout()
        label = QLabel("Name")
        label.setBuddy(self.name)
        name_row.setSpacing(8)
        name_row.addWidget(label)
        name_row.addWidget(self.name, 1)
        run_row.setSpacing(8)
        run_row.addWidget(self.progress, 1)
        run_row.addWidget(self.cancel_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(introduction)
        column.addLayout(name_row)
        column.addWidget(self.drop)
        column.addLayout(run_row)
        column.addWidget(self.status)
        column.addLayout(self._list)
        column.addStretch(1)
