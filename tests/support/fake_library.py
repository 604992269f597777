"""A library without disk and network: downloads in steps that the test lets happen."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path

from dictation.core.library_status import LibraryJob, LibraryJobState, LibraryListing
from dictation.core.settings import NetworkSettings
from dictation.runtime.model_library import JobCancelled, JobControl, JobPaused


@dataclass
class FakeLibraryBackend:
    """``steps`` releases one tenth of a download each; ``failure`` is raised at the next step."""

    listing: LibraryListing = field(default_factory=LibraryListing)
    models_on_disk: set[Path] = field(default_factory=set)
    steps: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    failure: Exception | None = None
    networks: list[NetworkSettings] = field(default_factory=list)
    discarded: list[str] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    imported: list[tuple[Path, str]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def list_models(self) -> LibraryListing:
        self._enter()
        return self.listing

    def is_model(self, path: Path) -> bool:
        self._enter()
        return path in self.models_on_disk

    def download(self, job: LibraryJob, network: NetworkSettings, control: JobControl) -> str:
        self._enter()
        self.networks.append(network)
        for tenth in range(job.done_bytes // 100, 10):
            self._wait(control)
            control.report(replace(
                job, state=LibraryJobState.DOWNLOADING, done_bytes=100 * (tenth + 1), total_bytes=1000,
                bytes_per_s=50.0, left_s=18.0 - 2 * tenth, fraction=(tenth + 1) / 10,
            ))  # fmt: skip
        return f"/m/{job.key}"

    def download_language_model(
        self, job: LibraryJob, target: Path, network: NetworkSettings, control: JobControl
    ) -> tuple[str, str]:
        self.download(job, network, control)
        return f"{target.name} with {job.name}", str(target)

    def discard(self, key: str) -> None:
        self._enter()
        self.discarded.append(key)

    def import_from(self, job: LibraryJob, path: Path, used_path: str, control: JobControl) -> tuple[str, str]:
        self._enter()
        control.report(replace(job, state=LibraryJobState.IMPORTING, fraction=0.5))
        self._wait(control)
        self.imported.append((path, used_path))
        return f"Imported {path.name}", f"/m/{path.name}"

    def remove(self, path: Path) -> None:
        self._enter()
        if self.failure is not None:
            raise self.failure
        self.removed.append(path)

    def _wait(self, control: JobControl) -> None:
        while not self.steps.acquire(timeout=0.01):
            if control.is_cancelled():
                raise JobCancelled
            if control.is_paused():
                raise JobPaused
        if self.failure is not None:
            raise self.failure

    def _enter(self) -> None:
        self.threads.add(threading.current_thread().name)
