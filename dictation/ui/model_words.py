"""Models and their jobs in words: sizes, times, languages, groups."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale

from dictation.core.library_status import LanguageModelOffer, LibraryJob, LibraryJobState, LibraryModel
from dictation.ui.presentation import Look

RECOMMENDED, INSTALLED = "Recommended for this machine", "Installed"
LIBRARY_LOOKS = {
    LibraryJobState.WAITING: Look("waiting", "clock", "muted"),
    LibraryJobState.DOWNLOADING: Look("downloading", "download", "accent"),
    LibraryJobState.PAUSED: Look("paused", "pause", "warning"),
    LibraryJobState.INSTALLING: Look("installing", "pulse", "accent"),
    LibraryJobState.IMPORTING: Look("importing", "pulse", "accent"),
    LibraryJobState.DONE: Look("done", "check", "good"),
    LibraryJobState.FAILED: Look("failed", "warning", "danger"),
    LibraryJobState.CANCELLED: Look("cancelled", "cancel", "muted"),
}


def size_text(size_bytes: int | None) -> str:
    """For example "0.4 MB", "378 MB" or "1.3 GB"; decimal units, as disks are sold."""
    if size_bytes is None:
        return "size unknown"
    amount, unit = (size_bytes / 1e9, "GB") if size_bytes >= 1e9 else (size_bytes / 1e6, "MB")  # noqa: PLR2004
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"  # noqa: PLR2004 - two digits are enough


def time_text(seconds: float) -> str:
    """For example "40 s", "12 min" or "2.5 h"."""
    if seconds < 90:  # noqa: PLR2004 - shown as seconds up to a minute and a half
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004


def language_text(tag: str) -> str:
    """A language by its English name; the tag itself if Qt does not know it, but BCP 47's "und" is no language."""
    if tag in {"", "und"}:
        return "Language unknown"
    language = QLocale(tag).language()
    return QLocale.languageToString(language) if language != QLocale.Language.C else tag


def language_models_for(model: LibraryModel, offers: Sequence[LanguageModelOffer]) -> tuple[LanguageModelOffer, ...]:
    """What an installed model can be given: the language models of its language."""
    language = model.language.partition("-")[0]
    return tuple(offer for offer in offers if model.takes_language_model and offer.language == language)


def offer_text(offer: LanguageModelOffer) -> str:
    """A language model, its size and what is here of it in one line."""
    kept = f" · {size_text(offer.kept_bytes)} have been downloaded already" if offer.kept_bytes else ""
    return f"{offer.name} · {size_text(offer.size_bytes)}{kept}"


def group_of(model: LibraryModel) -> str:
    """The heading under which a model stands."""
    if model.is_recommended:
        return RECOMMENDED
    return INSTALLED if model.is_installed else language_text(model.language)


def group_order(group: str) -> tuple[int, str]:
    """Recommended first, then installed, then languages by name."""
    return {RECOMMENDED: 0, INSTALLED: 1}.get(group, 2), group


def facts_text(model: LibraryModel) -> str:
    """Language, size, memory, licence and hardware in one line."""
    memory = f"{size_text(model.memory_mb * 1_000_000)} in memory" if model.memory_mb is not None else ""
    facts = (language_text(model.language), size_text(model.size_bytes), memory, model.licence, model.hardware)
    return " · ".join(fact for fact in facts if fact)


def rates_text(model: LibraryModel, most: int) -> str:
    """The first of its word error rates, one per line."""
    return "\n".join(model.rates[:most]) if model.rates else "No word error rate known."


def job_text(job: LibraryJob) -> str:
    """State, amount, speed, time left and remark of a job in one line."""
    parts = [LIBRARY_LOOKS[job.state].text]
    if job.state in {LibraryJobState.DOWNLOADING, LibraryJobState.PAUSED}:
        total = f" of {size_text(job.total_bytes)}" if job.total_bytes is not None else ""
        parts.append(f"{size_text(job.done_bytes)}{total}")
    if job.bytes_per_s > 0:
        parts.append(f"{job.bytes_per_s / 1e6:.1f} MB/s")
    if job.left_s is not None:
        parts.append(f"{time_text(job.left_s)} left")
    parts += [words for words in (job.message, job.remedy) if words]
    return " · ".join(parts)


def is_match(model: LibraryModel, wanted: str) -> bool:
    """Whether every word typed into the filter box stands somewhere in what is known of the model."""
    text = " ".join((model.name, model.key, group_of(model), facts_text(model), model.language)).casefold()
    return all(word in text for word in wanted.casefold().split())
