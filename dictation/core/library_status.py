"""What the library of models holds and does, as values that a window can show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class LibraryJobState(Enum):
    """Where a download or an import stands."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    PAUSED = "paused"
    INSTALLING = "installing"
    IMPORTING = "importing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED_JOBS = frozenset({LibraryJobState.DONE, LibraryJobState.CANCELLED})
"""States in which nothing is left to do or to decide; a failed or paused job can be gone on with."""
HELD_JOBS = frozenset({LibraryJobState.PAUSED, LibraryJobState.FAILED})
"""States in which a job rests until the user decides."""


@dataclass(frozen=True)
class LibraryJob:
    """A snapshot of one download or import.

    Attributes:
        key: The model's or language model's key; ``import:`` and the path for an import.
        name: What it is about, for the user.
        state: Where it stands.
        done_bytes: What has arrived, earlier runs included; 0 for an import.
        total_bytes: What there is in all, or None while no one knows.
        bytes_per_s: Speed over the last seconds; 0 at first.
        left_s: Seconds to go at this speed, or None while that is unknown.
        fraction: 0 to 1, or None while that is unknown.
        message: One line for the user, such as why it failed.
        remedy: What to do about it.
        path: The installed folder, once done.
    """

    key: str
    name: str
    state: LibraryJobState = LibraryJobState.WAITING
    done_bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float = 0.0
    left_s: float | None = None
    fraction: float | None = None
    message: str = ""
    remedy: str = ""
    path: str = ""


@dataclass(frozen=True)
class LibraryModel:
    """A model that is installed or can be downloaded.

    Attributes:
        key: Unique among all; the catalogue's key, or the folder of a model that is in no catalogue.
        name: What the user calls it.
        language: BCP 47 tag.
        licence: In words.
        size_bytes: On the disk if installed, else to download; None while only the server knows.
        memory_mb: 10⁶ bytes in memory, or None if unknown.
        rates: Word error rates, each a line with test set, conditions and source.
        hardware: On what it keeps up with speech, in words; empty if unknown.
        path: The installed folder, or empty.
        can_remove: Whether it is one of the user's own.
        is_recommended: Whether it is one of the two for this machine.
        kept_bytes: What an interrupted download has left; 0 if nothing.
        takes_language_model: Whether it is installed and can be given another language model.
    """

    key: str
    name: str
    language: str
    licence: str
    size_bytes: int | None
    memory_mb: int | None = None
    rates: tuple[str, ...] = ()
    hardware: str = ""
    path: str = ""
    can_remove: bool = False
    is_recommended: bool = False
    kept_bytes: int = 0
    takes_language_model: bool = False

    @property
    def is_installed(self) -> bool:
        """Whether it can be used now."""
        return bool(self.path)


@dataclass(frozen=True)
class LanguageModelOffer:
    """A language model that can be downloaded for an installed model of its language.

    Attributes:
        key: Unique among models and language models.
        name: What the user calls it.
        language: BCP 47 tag.
        licence: In words.
        size_bytes: To download; None while only the server knows.
        remark: What to know before; mostly empty.
        kept_bytes: What an interrupted download has left; 0 if nothing.
    """

    key: str
    name: str
    language: str
    licence: str
    size_bytes: int | None
    remark: str = ""
    kept_bytes: int = 0


@dataclass(frozen=True)
class LibraryListing:
    """All models, and the room there is for more.

    Attributes:
        models: In the order of the catalogue, then those in no catalogue.
        folder: Where models are installed.
        free_bytes: Free on its disk.
        problem: One line about something that could not be read, such as the catalogue; mostly empty.
        first_path: Folder of the installed model that is used while none is chosen; empty without any.
        language_models: In the order of the catalogue.
    """

    models: tuple[LibraryModel, ...] = ()
    folder: str = ""
    free_bytes: int = 0
    problem: str = ""
    first_path: str = ""
    language_models: tuple[LanguageModelOffer, ...] = ()
