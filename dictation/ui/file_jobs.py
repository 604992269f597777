"""The list of files to transcribe: progress, speed and a way to stop each."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from dictation.core.status import FileJob, FileJobState
from dictation.ui import icons
from dictation.ui.elided_label import ElidedLabel
from dictation.ui.presentation import JOB_LOOKS
from dictation.ui.theme import colour, current_tokens

ROW_PX, SHOWN_ROWS, NAME_PX = 40, 4, 240
ENDED = (FileJobState.DONE, FileJobState.FAILED, FileJobState.CANCELLED)


def job_text(job: FileJob) -> str:
    """State, speed and remark of a job in one line."""
    parts = [JOB_LOOKS[job.state].text]
    if job.speed > 0 and job.state in {FileJobState.RUNNING, FileJobState.DONE}:
        parts.append(f"{job.speed:.1f} × real time")  # noqa: RUF001
    if job.state is FileJobState.RUNNING and job.progress is None:
        parts.append(f"{job.audio_s:.0f} s read")
    parts += [words for words in (job.message, job.remedy) if words]
    return " · ".join(parts)


class JobRow(QWidget):
    """One file."""

    cancel_wanted = Signal(int)
    dismiss_wanted = Signal(int)
    shown = Signal(int)

    def __init__(self, job: FileJob, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job = job
        self.setFixedHeight(ROW_PX)
        self._symbol = QLabel()
        self._symbol.setFixedSize(20, 20)
        self.name_button = QPushButton()
        metrics, name = self.name_button.fontMetrics(), Path(job.path).name
        shown_name = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, NAME_PX)
        self.name_button.setText(shown_name.replace("&", "&&"))
        self.name_button.setToolTip(f"Show the text of {job.path}")
        self.name_button.setAccessibleName(f"Show {Path(job.path).name}")
        self.name_button.clicked.connect(lambda: self.shown.emit(self._job.job_id))
        self.status = ElidedLabel()
        self.status.setProperty("kind", "muted")
        self.progress = QProgressBar(textVisible=False)
        self.progress.setFixedWidth(160)
        self.progress.setAccessibleName(f"Progress of {Path(job.path).name}")
        self.end_button = QToolButton()
        self.end_button.setProperty("compact", True)
        self.end_button.setIconSize(QSize(16, 16))
        self.end_button.clicked.connect(self._on_end)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 8, 4)
        row.setSpacing(8)
        row.addWidget(self._symbol)
        row.addWidget(self.name_button)
        row.addWidget(self.status, 1)
        row.addWidget(self.progress)
        row.addWidget(self.end_button)
        self.show_job(job)

    def show_job(self, job: FileJob) -> None:
        """Show where the job stands."""
        self._job = job
        look = JOB_LOOKS[job.state]
        tint = colour(current_tokens(), look.role).name()
        self._symbol.setPixmap(icons.pixmap(look.icon, tint, 20, self.devicePixelRatioF()))
        self._symbol.setAccessibleName(look.text)
        self.status.say(job_text(job))
        self.progress.setVisible(job.state in {FileJobState.RUNNING, FileJobState.WAITING})
        self.progress.setRange(0, 0 if job.progress is None else 1000)
        self.progress.setValue(round((job.progress or 0.0) * 1000))
        is_ended = job.state in ENDED
        icons.set_icon(self.end_button, "close" if is_ended else "cancel", "muted")
        verb = "Remove from the list" if is_ended else "Cancel"
        self.end_button.setToolTip(verb)
        self.end_button.setAccessibleName(f"{verb}: {Path(job.path).name}")

    def _on_end(self) -> None:
        """Cancel a job that runs or waits; remove one that has ended."""
        if self._job.state in ENDED:
            self.dismiss_wanted.emit(self._job.job_id)
        else:
            self.cancel_wanted.emit(self._job.job_id)


class FileJobs(QFrame):
    """All jobs; hidden while there are none."""

    cancel_wanted = Signal(int)
    shown = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fileJobs")
        self.setAccessibleName("Files")
        self.rows: dict[int, JobRow] = {}
        self._dismissed: set[int] = set()
        body = QWidget()
        body.setObjectName("jobList")
        self._column = QVBoxLayout(body)
        self._column.setContentsMargins(0, 4, 0, 4)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        scroller = QScrollArea(widgetResizable=True)
        scroller.setFrameShape(QFrame.Shape.NoFrame)
        scroller.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroller.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroller.setWidget(body)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 1, 0, 0)
        outer.addWidget(scroller)
        self._fit()

    def show_job(self, job: FileJob) -> None:
        """Add a job or show its progress."""
        if job.job_id in self._dismissed:
            return
        row = self.rows.get(job.job_id)
        if row is not None:
            row.show_job(job)
            return
        row = JobRow(job)
        row.cancel_wanted.connect(self.cancel_wanted)
        row.dismiss_wanted.connect(self.dismiss)
        row.shown.connect(self.shown)
        self.rows[job.job_id] = row
        self._column.insertWidget(self._column.count() - 1, row)
        self._fit()

    def dismiss(self, job_id: int) -> None:
        """Take a job off the list; its text stays in its own document."""
        row = self.rows.pop(job_id, None)
        if row is not None:
            self._dismissed.add(job_id)
            self._column.removeWidget(row)
            row.deleteLater()
            self._fit()

    def _fit(self) -> None:
        """Be as high as the rows, up to four."""
        self.setVisible(bool(self.rows))
        self.setFixedHeight(min(len(self.rows), SHOWN_ROWS) * ROW_PX + 16)
