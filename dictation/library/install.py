"""Bring a model of the catalogue onto this machine, or another language model into one that is here; remove models.

Everything lies in the user's data folder: models in ``models/``, what is on its way in ``downloads/KEY/``, and
``pins.toml``. A model is seen only when it is whole.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dictation.asr.decoding import TRANSDUCER
from dictation.asr.importing import ImportCancelled, import_language_model
from dictation.asr.importing.writing import folder_name, hidden_folder
from dictation.asr.model_folder import ModelFolder, model_roots
from dictation.core.errors import DownloadAltered, LibraryError, ModelImportFailed, ModelNotRemovable
from dictation.library.catalogue import CatalogueEntry, CatalogueFile, LanguageModelEntry
from dictation.library.convert import convert
from dictation.library.download import Downloader, Fetched
from dictation.library.interrupts import DownloadCancelled, DownloadPaused, make_checkpoint
from dictation.library.lock import LOCK_NAME, only_one, take_away
from dictation.library.part_file import check_space, disk_faults
from dictation.library.pins import Pin, Pins
from dictation.library.progress import DownloadProgress

UNPACKED_FACTOR = 4
"""ARPA text to its gzip, rounded up: 2.9 measured on a 4-gram model of 4.9 million n-grams."""
_DISCARDED_PREFIX = ".discarded-"


class InstallStage(Enum):
    """What an installation is doing."""

    DOWNLOADING = "downloading"
    CONVERTING = "converting"


@dataclass(frozen=True)
class InstallProgress:
    """A moment of an installation.

    Attributes:
        stage: What is being done.
        fraction: Of this stage, 0 to 1; None while the length is unknown.
        download: Of all files together, while downloading.
    """

    stage: InstallStage
    fraction: float | None
    download: DownloadProgress | None = None


@dataclass(frozen=True)
class InstallCallbacks:
    """The caller's side of an installation, called in its thread.

    Attributes:
        on_progress: Up to ten times a second.
        is_cancelled: Asked all the time: break off and leave nothing.
        is_paused: Asked while downloading: break off and keep what there is. A conversion is not paused.
    """

    on_progress: Callable[[InstallProgress], None] = lambda _progress: None
    is_cancelled: Callable[[], bool] = lambda: False
    is_paused: Callable[[], bool] = lambda: False


def user_models_folder() -> Path:
    """Where the user's models lie; it need not exist yet."""
    return model_roots()[-1]


def downloads_folder(models_folder: Path) -> Path:
    """Where files on their way lie, on the same disk."""
    return models_folder.parent / "downloads"


def install(
    entry: CatalogueEntry, models_folder: Path, downloader: Downloader, callbacks: InstallCallbacks
) -> ModelFolder:
    """Download, check and convert a model; takes minutes to hours. Going on after a pause is calling it again.

    Args:
        entry: What to install.
        models_folder: Where model folders lie; mostly ``user_models_folder()``.
        downloader: With the user's network settings.
        callbacks: Progress, cancel, pause.

    Raises:
        LibraryError: in one of its kinds; what ``Downloader.fetch`` says of each holds for all files. If the disk
            fails at the very end, the model is there all the same, and the error says so.
        ModelImportFailed: if a complete file is damaged; its download is thrown away.
        DownloadCancelled, DownloadPaused: if asked for.
    """
    target = models_folder / folder_name(entry.key)
    if target.exists():
        raise LibraryError(f"{entry.name} is installed already, in {target}.", "Remove it first to install it anew.")
    job = _Job(entry.key, entry.files, models_folder, downloader, callbacks)
    return job.run(lambda files: convert(entry, files, models_folder, job.on_converting, callbacks.is_cancelled))


def install_language_model(
    entry: LanguageModelEntry,
    target: ModelFolder,
    models_folder: Path,
    downloader: Downloader,
    callbacks: InstallCallbacks,
) -> ModelFolder:
    """Download another language model for an installed model; one that came with the program is copied first.

    Raises:
        As ``install``, and ``LibraryError`` if the languages differ or the model can have none.
    """
    if target.decoding.kind == TRANSDUCER:
        raise LibraryError(f"{target.name} searches without a language model.", "Choose another model for it.")
    if target.language.split("-")[0] != entry.language:
        raise LibraryError(
            f"{entry.name} is a language model for {entry.language!r}, {target.name} recognises {target.language!r}.",
            "Choose one of the same language.",
        )
    job = _Job(entry.key, (entry.file,), models_folder, downloader, callbacks)
    return job.run(
        lambda files: import_language_model(
            files["language_model"], target, models_folder, job.on_converting, callbacks.is_cancelled
        )
    )


def discard_download(key: str, models_folder: Path) -> None:
    """Throw away what a paused installation has kept; idempotent. One that this program has begun since stays.

    Raises:
        LibraryError: if another program is downloading it, or it cannot be deleted.
    """
    folder = downloads_folder(models_folder) / folder_name(key)
    try:
        take_away(folder, folder.name, folder.with_name(_DISCARDED_PREFIX + secrets.token_hex(4)))
    except FileNotFoundError:  # there is nothing, or another program has thrown it away
        pass
    except OSError as error:
        remedy = "Check that you may write to that folder and that its disk is in order, or delete it yourself."
        why = f"{folder.name} cannot be thrown away: {error.strerror or error}"
        raise LibraryError(f"{why}, in {folder.parent}.", remedy) from error
    for discarded in folder.parent.glob(f"{_DISCARDED_PREFIX}*"):  # also what a killed program left
        shutil.rmtree(discarded, ignore_errors=True)


def paused_downloads(models_folder: Path) -> dict[str, int]:
    """What paused or interrupted installations have kept: bytes by the catalogue's key."""
    kept = {
        folder.name: _kept_bytes(folder)
        for folder in sorted(downloads_folder(models_folder).glob("*"))
        if not folder.name.startswith(_DISCARDED_PREFIX)
    }
    return {key: size_bytes for key, size_bytes in kept.items() if size_bytes}


def remove(folder: ModelFolder, models_folder: Path) -> None:
    """Remove a model; from the first moment on it is not found any more.

    Raises:
        ModelNotRemovable: if it does not lie in ``models_folder``, so above all if it came with the program.
        LibraryError: if a file is held by another program.
    """
    if folder.path.resolve().parent != models_folder.resolve():
        raise ModelNotRemovable(f"{folder.name} lies in {folder.path.parent} and is not removed from here.")
    with hidden_folder(models_folder, 0) as hidden:
        try:
            folder.path.rename(hidden / "model")
        except OSError as error:
            remedy = "Choose another model first, or restart the program."
            raise LibraryError(f"{folder.name} cannot be removed now: {error}.", remedy) from error


class _Job:
    """The files of one installation, fetched into a folder of their own."""

    def __init__(
        self,
        key: str,
        files: tuple[CatalogueFile, ...],
        models_folder: Path,
        downloader: Downloader,
        callbacks: InstallCallbacks,
    ) -> None:
        self._files = files
        self._models_folder = models_folder
        self._folder = downloads_folder(models_folder) / folder_name(key)
        self._downloader = downloader
        self._callbacks = callbacks
        self._pins = Pins(models_folder.parent / "pins.toml")
        self._checkpoint = make_checkpoint(callbacks.is_cancelled, callbacks.is_paused)

    def run(self, build: Callable[[dict[str, Path]], ModelFolder]) -> ModelFolder:
        """Fetch all files, build the model from them by role, pin what worked, and clear away."""
        with disk_faults(self._folder):
            try:
                with only_one(self._folder, self._folder.name):
                    return self._run_alone(build)
            finally:
                with contextlib.suppress(OSError):  # it stays if it holds something
                    self._folder.rmdir()

    def _run_alone(self, build: Callable[[dict[str, Path]], ModelFolder]) -> ModelFolder:
        """Do so while the folder is held; also while clearing away, or it would hit the next one's files."""
        try:
            fetched = self._fetch_all()
            installed = build({file.role: result.path for file, result in fetched})
        except (DownloadCancelled, ImportCancelled) as error:
            self._clear()
            raise DownloadCancelled from error
        except ModelImportFailed as error:
            if self._folder in error.path.parents:  # whole, as it seemed, yet of no use: it must not be taken again
                self._clear()
            raise
        try:
            self._pins.add(_pin(file, result) for file, result in fetched)
        except LibraryError as error:
            said = f"{installed.name} is installed, but not what its files were, to compare later ones with: {error}"
            raise type(error)(said, error.remedy) from error
        finally:
            self._clear()
        return installed

    def on_converting(self, fraction: float) -> None:
        """Report the second stage."""
        self._callbacks.on_progress(InstallProgress(InstallStage.CONVERTING, fraction))

    def _fetch_all(self) -> list[tuple[CatalogueFile, Fetched]]:
        sizes = [self._size_bytes(file) for file in self._files]
        self._check_space(sizes)
        fetched: list[tuple[CatalogueFile, Fetched]] = []
        for number, file in enumerate(self._files):
            done_bytes = sum(result.path.stat().st_size for _, result in fetched)
            fetched.append((file, self._fetch(file, self._reporter(done_bytes, sizes[number + 1 :]))))
        return fetched

    def _size_bytes(self, file: CatalogueFile) -> int | None:
        """How long a file is, from the catalogue, an earlier download or the server; None if none of them knows."""
        return self._pins.expected(file).size_bytes or self._downloader.ask_size(file, self._checkpoint)

    def _check_space(self, sizes: list[int | None]) -> None:
        """Raise ``NoSpace`` unless downloads and result fit on the disk together, as far as sizes are known."""
        kept_bytes = paused_downloads(self._models_folder).get(self._folder.name, 0)
        needed_bytes = sum(
            (size or 0) * (1 + (UNPACKED_FACTOR if file.name.endswith(".gz") else 1))
            for file, size in zip(self._files, sizes, strict=True)
        )
        check_space(self._folder, max(0, needed_bytes - kept_bytes), "The model")

    def _fetch(self, file: CatalogueFile, report: Callable[[DownloadProgress], None]) -> Fetched:
        try:
            return self._downloader.fetch(
                self._pins.expected(file),
                self._folder / file.name,
                report,
                self._callbacks.is_cancelled,
                self._callbacks.is_paused,
            )
        except DownloadAltered as error:
            pin = self._pins.find(file)
            if pin is None:
                raise
            raise DownloadAltered(
                f"{error} It was first downloaded on {pin.date}.",
                f"If its publisher has changed it on purpose, remove its lines from {self._pins.path} and try again.",
            ) from error

    def _reporter(self, before_bytes: int, later: list[int | None]) -> Callable[[DownloadProgress], None]:
        """Turn the progress of one file into that of all."""
        is_known = None not in later
        after_bytes = sum(size or 0 for size in later)

        def report(one: DownloadProgress) -> None:
            total_bytes = before_bytes + one.total_bytes + after_bytes if is_known and one.total_bytes else None
            whole = DownloadProgress(one.name, before_bytes + one.done_bytes, total_bytes, one.bytes_per_s)
            self._callbacks.on_progress(InstallProgress(InstallStage.DOWNLOADING, whole.fraction, whole))

        return report

    def _clear(self) -> None:
        """Delete what lies in the folder, the lock apart."""
        for path in self._folder.iterdir():
            if path.name != LOCK_NAME:
                with contextlib.suppress(OSError):  # it is listed as kept then, and can be thrown away
                    path.unlink()


def _kept_bytes(folder: Path) -> int:
    """The bytes that lie in a download folder; 0 if it is gone or cannot be read."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir() if not _is_note(file))
    except OSError:
        return 0


def _is_note(path: Path) -> bool:
    """Whether a file of a download folder is about the others."""
    return path.suffix == ".toml" or path.name == LOCK_NAME


def _pin(file: CatalogueFile, fetched: Fetched) -> Pin:
    today = dt.datetime.now(dt.timezone.utc).date().isoformat()
    return Pin(file.url, fetched.sha256, fetched.path.stat().st_size, today)


__all__ = [
    "DownloadCancelled",
    "DownloadPaused",
    "InstallCallbacks",
    "InstallProgress",
    "InstallStage",
    "discard_download",
    "downloads_folder",
    "install",
    "install_language_model",
    "paused_downloads",
    "remove",
    "user_models_folder",
]
