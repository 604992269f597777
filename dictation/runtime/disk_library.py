"""The models on this machine's disks and in the catalogue, as the model library wants them. No Qt here."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.core.errors import CatalogueError, ModelError
from dictation.core.library_status import LanguageModelOffer, LibraryJob, LibraryJobState, LibraryListing, LibraryModel
from dictation.core.settings import NetworkSettings
from dictation.runtime.backends import choose_model
from dictation.runtime.model_library import JobCancelled, JobControl, JobPaused

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.library.catalogue import Catalogue, CatalogueEntry
    from dictation.library.install import InstallCallbacks, InstallProgress
    from dictation.library.machine import Machine

NOTHING_KEEPS_UP = (
    "Nothing is recommended: as measured now, none of the models to download keeps up with speech on this machine."
)


class DiskLibrary:
    """Thread: any; each call takes as long as disk and network take, and raises ``DictationError``.

    Args:
        language: BCP 47 tag of the language to recommend models for.
        given: The model folder given on the command line.
        catalogue_path: Another catalogue than the one that came with the program.
        processor: What the setting of that name says at the moment; models for a GPU are recommended if it may be used.
    """

    def __init__(
        self,
        language: str = "en",
        given: Path | None = None,
        catalogue_path: Path | None = None,
        processor: Callable[[], str] = lambda: "auto",
    ) -> None:
        self._language = language.partition("-")[0].lower()
        self._given = given
        self._catalogue_path = catalogue_path
        self._processor = processor

    def list_models(self) -> LibraryListing:
        """List what is installed and what can be downloaded; the first call measures the machine for a second."""
        from dictation.library.install import paused_downloads, user_models_folder

        folder = user_models_folder()
        problems: list[str] = []
        installed, catalogue = self._installed(problems), self._try_catalogue(problems)
        entries = catalogue.models
        kept = paused_downloads(folder)
        recommended = {entry.key for entry in self._recommended(entries)}
        if entries and not recommended:
            problems.append(NOTHING_KEEPS_UP)
            _measure_again()  # next time: perhaps it was only busy
        own = [found for found in installed if found.path.parent == folder]
        by_name = {found.name: found for found in own}  # one that came on a stick has a folder named after it
        by_key = {found.path.name: found for found in own}
        models = [
            _model_of_entry(
                entry,
                by_key.get(entry.key) or by_name.get(entry.name),
                kept.get(entry.key, 0),
                is_recommended=entry.key in recommended,
            )
            for entry in entries
        ]
        listed = {model.path for model in models if model.path}
        models += [
            _model_of_folder(found, str(found.path), can_remove=found.path.parent == folder)
            for found in installed
            if str(found.path) not in listed
        ]
        first_path = str(installed[0].path) if installed else ""
        offers = tuple(
            LanguageModelOffer(
                one.key, one.name, one.language, one.licence, one.file.size_bytes, one.remark, kept.get(one.key, 0)
            )
            for one in catalogue.language_models
        )
        return LibraryListing(tuple(models), str(folder), _free_bytes(folder), " ".join(problems), first_path, offers)

    def is_model(self, path: Path) -> bool:
        """Whether a file or folder looks like something that can be imported."""
        from dictation.asr.importing import recognise_source

        return recognise_source(path) is not None

    def download(self, job: LibraryJob, network: NetworkSettings, control: JobControl) -> str:
        """Download and install the model with the job's key; returns its folder."""
        from dictation.library.download import Downloader
        from dictation.library.install import install, user_models_folder

        with _interrupts_of_a_job():
            entry = self._catalogue().model(job.key)
            callbacks = _callbacks(job, control)
            return str(install(entry, user_models_folder(), Downloader(network), callbacks).path)

    def download_language_model(
        self, job: LibraryJob, target: Path, network: NetworkSettings, control: JobControl
    ) -> tuple[str, str]:
        """Download the language model with the job's key for an installed model; returns what came of it and where."""
        from dictation.asr.model_folder import open_model_folder
        from dictation.library.download import Downloader
        from dictation.library.install import install_language_model, user_models_folder

        with _interrupts_of_a_job():
            entry, folder = self._catalogue().language_model(job.key), open_model_folder(target)
            callbacks = _callbacks(job, control)
            made = install_language_model(entry, folder, user_models_folder(), Downloader(network), callbacks)
            return f"{made.name} with the language model {entry.name}", str(made.path)

    def discard(self, key: str) -> None:
        """Delete what a paused or failed download has kept."""
        from dictation.library.install import discard_download, user_models_folder

        discard_download(key, user_models_folder())

    def import_from(self, job: LibraryJob, path: Path, used_path: str, control: JobControl) -> tuple[str, str]:
        """Import a model, or give the model in use another language model; returns what came of it and its folder."""
        from dictation.asr.importing import ImportKind, import_language_model, import_model, recognise_source
        from dictation.library.install import user_models_folder

        def report(fraction: float) -> None:
            control.report(replace(job, state=LibraryJobState.IMPORTING, fraction=fraction))

        models_folder = user_models_folder()
        with _interrupts_of_a_job():
            if recognise_source(path) is ImportKind.KENLM:
                target = choose_model(used_path, self._given)
                made = import_language_model(path, target, models_folder, report, control.is_cancelled)
                return f"{made.name} with the language model {path.name}", str(made.path)
            made = import_model(path, models_folder, report, control.is_cancelled)
            return made.name, str(made.path)

    def remove(self, path: Path) -> None:
        """Delete one of the user's models."""
        from dictation.asr.model_folder import open_model_folder
        from dictation.library.install import remove, user_models_folder

        remove(open_model_folder(path), user_models_folder())

    def _recommended(self, entries: Sequence[CatalogueEntry]) -> tuple[CatalogueEntry, ...]:
        """Two models in the user's language, or in English where there are none."""
        from dictation.library.machine import without_unused_gpus
        from dictation.library.recommend import recommend

        machine = without_unused_gpus(_machine(), self._processor())
        return recommend(entries, machine, self._language) or recommend(entries, machine)

    def _catalogue(self) -> Catalogue:
        from dictation.library.catalogue import load_catalogue, shipped_catalogue

        return load_catalogue(self._catalogue_path) if self._catalogue_path else shipped_catalogue()

    def _try_catalogue(self, problems: list[str]) -> Catalogue:
        """The catalogue, or an empty one."""
        from dictation.library.catalogue import Catalogue

        try:
            return self._catalogue()
        except CatalogueError as error:
            problems.append(str(error))
            return Catalogue((), ())

    def _installed(self, problems: list[str]) -> list[ModelFolder]:
        from dictation.asr.model_folder import find_models

        try:
            return find_models(self._given)
        except ModelError as error:
            problems.append(str(error))
            return []


@lru_cache(maxsize=1)
def _machine() -> Machine:
    """This machine, measured once."""
    from dictation.library.machine import look_at_machine

    return look_at_machine()


_measure_again = _machine.cache_clear


def _model_of_entry(
    entry: CatalogueEntry, installed: ModelFolder | None, kept_bytes: int, *, is_recommended: bool
) -> LibraryModel:
    """A model of the catalogue, installed or not."""
    rates = tuple(
        f"{rate.percent:g} % word errors, {rate.measured_on}, "
        f"{'no' if rate.language_model == 'none' else rate.language_model} language model ({rate.source})"
        for rate in entry.word_error_rates
    )
    model = LibraryModel(
        entry.key, entry.name, entry.language, entry.licence, entry.size_bytes, entry.memory_mb, rates, entry.hardware,
        is_recommended=is_recommended, kept_bytes=kept_bytes,
    )  # fmt: skip
    if installed is None:
        return model
    choice = installed.choice()
    return replace(
        model, path=choice.path, size_bytes=choice.size_bytes, can_remove=True, kept_bytes=0,
        takes_language_model=_takes_language_model(installed),
    )  # fmt: skip


def _takes_language_model(folder: ModelFolder) -> bool:
    from dictation.asr.decoding import TRANSDUCER

    return folder.decoding.kind != TRANSDUCER


def _model_of_folder(folder: ModelFolder, key: str, *, can_remove: bool) -> LibraryModel:
    """An installed model that is in no catalogue; its figures are those of its own description."""
    choice = folder.choice()
    rates = tuple(
        f"{rate.with_lm_percent:g} % word errors, {rate.greedy_percent:g} % without language model, {rate.measured_on} "
        f"({rate.conditions})"
        for rate in folder.word_error_rates
    )
    memory_mb = round(folder.files["weights"].size_bytes / 1e6)
    return LibraryModel(
        key, choice.name, choice.language, choice.licence, choice.size_bytes, memory_mb, rates, path=choice.path,
        can_remove=can_remove, takes_language_model=_takes_language_model(folder),
    )  # fmt: skip


@contextmanager
def _interrupts_of_a_job() -> Iterator[None]:
    """Let what breaks off a download or an import break off the job."""
    from dictation.asr.importing import ImportCancelled
    from dictation.library.interrupts import DownloadCancelled, DownloadPaused

    try:
        yield
    except DownloadPaused as error:
        raise JobPaused from error
    except (DownloadCancelled, ImportCancelled) as error:
        raise JobCancelled from error


def _callbacks(job: LibraryJob, control: JobControl) -> InstallCallbacks:
    """A job's side of an installation."""
    from dictation.library.install import InstallCallbacks

    return InstallCallbacks(
        lambda progress: control.report(_job_at(job, progress)), control.is_cancelled, control.is_paused
    )


def _job_at(job: LibraryJob, progress: InstallProgress) -> LibraryJob:
    """The job at a moment of its installation."""
    from dictation.library.install import InstallStage

    download = progress.download
    if progress.stage is not InstallStage.DOWNLOADING or download is None:
        return replace(job, state=LibraryJobState.INSTALLING, fraction=progress.fraction)
    return replace(
        job,
        state=LibraryJobState.DOWNLOADING,
        done_bytes=download.done_bytes,
        total_bytes=download.total_bytes,
        bytes_per_s=download.bytes_per_s,
        left_s=download.eta_s,
        fraction=download.fraction,
    )


def _free_bytes(folder: Path) -> int:
    """Free space on the disk where a folder is or will be; 0 if that cannot be told."""
    for place in (folder, *folder.parents):
        if place.exists():
            try:
                return shutil.disk_usage(place).free
            except OSError:
                return 0
    return 0
