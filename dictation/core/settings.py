"""Every setting: default, range, unit and help in one place; docs and widgets are made from this file.

Sections are frozen dataclasses. Constructing one validates it (``SettingsError`` names the key). Loading from
TOML never raises: see ``settings_toml``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from dictation.core.errors import SettingsError


def _number(default: float, low: float, high: float, step: float, unit: str, label: str, text: str) -> Any:
    """Declare a numeric setting with its range and help."""
    return field(
        default=default,
        metadata={"low": low, "high": high, "step": step, "unit": unit, "label": label, "help": text},
    )


def _choice(default: str, choices: tuple[str, ...], label: str, text: str) -> Any:
    """Declare a setting that takes one of a few names."""
    return field(default=default, metadata={"choices": choices, "label": label, "help": text})


def _plain(default: Any, label: str, text: str) -> Any:
    """Declare a switch, a text or a list of texts."""
    return field(default=default, metadata={"label": label, "help": text})


def _number_problem(value: Any, default: Any, meta: Any) -> str | None:
    """Say what is wrong with a numeric value, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a number"
    if isinstance(value, float) and not math.isfinite(value):  # isfinite(10**400) would raise OverflowError
        return "must be a number"
    if isinstance(default, int) and not isinstance(value, int):
        return "must be a whole number"
    if not meta["low"] <= value <= meta["high"]:
        return f"must lie in {meta['low']}…{meta['high']} {meta['unit']}".rstrip()
    return None


def _problem(value: Any, default: Any, meta: Any) -> str | None:
    """Say what is wrong with a value, or None."""
    if "low" in meta:
        return _number_problem(value, default, meta)
    if "choices" in meta:
        return None if value in meta["choices"] else f"must be one of {', '.join(meta['choices'])}"
    if isinstance(default, tuple):
        is_texts = isinstance(value, tuple) and all(isinstance(part, str) for part in value)
        return None if is_texts else "must be a list of texts"
    return None if type(value) is type(default) else f"must be a {type(default).__name__}"


def _validate(section: Any) -> None:
    """Check every field of a section against its metadata; ``SettingsError`` names the first bad key."""
    for item in fields(section):
        value = getattr(section, item.name)
        problem = _problem(value, item.default, item.metadata)
        if problem:
            raise SettingsError(f"{type(section).SECTION}.{item.name} {problem}, not {value!r}.")


@dataclass(frozen=True)
class SegmenterSettings:
    """When a segment starts and ends. The defaults and their meaning are FLAPI's."""

    SECTION = "segmenter"

    threshold_dbfs: float = _number(
        -46.0, -70, -10, 1, "dBFS", "Threshold",
        "Sound above this level opens a segment. FLAPI's -23 dB (10 log10 of amplitude) is -46 dBFS.",
    )  # fmt: skip
    timeout_ms: int = _number(
        300, 100, 2000, 20, "ms", "Silence timeout", "This much silence ends a segment and makes its text final."
    )
    pre_roll_ms: int = _number(
        150, 0, 1000, 10, "ms", "Pre-roll", "Context prefix: audio from before the threshold was crossed."
    )
    max_segment_s: float = _number(
        15.0, 3, 30, 1, "s", "Longest segment",
        "A longer utterance is split at its quietest recent point; both parts are recognised.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class AudioSettings:
    """Which input to record from."""

    SECTION = "audio"

    device_name: str = _plain("", "Input", "Name of the input device; empty follows the system default.")
    host_api: str = _plain("", "Host API", "The audio system the device belongs to; empty takes any.")
    channel: int = _number(1, 1, 64, 1, "", "Channel", "Which channel of the device to use, counted from 1.")

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class RecognizerSettings:
    """Model, processor and beam search. A change of model, processor or personal model reloads the recogniser."""

    SECTION = "recognizer"

    model_path: str = _plain("", "Model", "Folder of the model; empty takes the first one found.")
    processor: str = _choice(
        "auto", ("auto", "cpu", "cuda"), "Processor", "auto uses the GPU if it reproduces a known clip."
    )
    beam_width: int = _number(100, 1, 2000, 10, "", "Beam width", "Hypotheses kept for a final text.")
    partial_beam_width: int = _number(
        16, 1, 500, 1, "", "Partial beam width", "Hypotheses kept while you are still speaking."
    )
    token_min_logp: float = _number(
        -5.0, -30, 0, 0.5, "ln", "Token pruning", "Tokens less likely than this in a frame are not tried."
    )
    beam_prune_logp: float = _number(
        -10.0, -100, 0, 1, "ln", "Beam pruning", "Hypotheses this far behind the best one are dropped."
    )
    lm_weight: float = _number(
        0.9, 0, 5, 0.1, "", "Language-model weight",
        "How much the n-gram model counts against the sound; at 0.9 as much as suits the recognition model best.",
    )  # fmt: skip
    word_score: float = _number(
        2.0, -10, 10, 0.1, "", "Word score",
        "Higher gives more and shorter words; at 2.0 as many as suits the recognition model best.",
    )  # fmt: skip
    hotwords: tuple[str, ...] = _plain((), "Hotwords", "Words or phrases the search should favour.")
    hotword_weight: float = _number(8.0, 0, 50, 0.5, "", "Hotword weight", "How strongly hotwords are favoured.")
    personal_model: str = _plain(
        "", "Personal language model", "Name of the personal language model mixed in; empty uses the general one alone."
    )
    gpu_idle_release_s: int = _number(
        300, 0, 86400, 60, "s", "Give the GPU back",
        "After this long without speech the model leaves the GPU's memory until the next; 0 never does.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class WindowSettings:
    """What the window looks like and how Record behaves."""

    SECTION = "window"

    record_mode: str = _choice(
        "toggle", ("toggle", "push-to-talk"), "Record mode", "Press once, or hold while you speak."
    )
    font_px: int = _number(17, 15, 48, 1, "px", "Text size", "Size of the transcript's text.")
    panel_open: bool = _plain(False, "Side panel", "Whether the sliders are shown.")
    last_folder: str = _plain("", "Last folder", "Where files were last opened or saved.")

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class NetworkSettings:
    """Whether and where models may be downloaded from. Without your click nothing is ever fetched."""

    SECTION = "network"

    is_allowed: bool = _plain(True, "Use the network", "Off: never, also not for a model that you ask for.")
    mirror_url: str = _plain(
        "", "Mirror",
        "Base address to fetch models from instead; the host and path of the original are appended to it.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class RecoverySettings:
    """What is kept on the disk so that a crash or a power cut loses nothing."""

    SECTION = "recovery"

    keeps_sound: bool = _plain(
        True, "Keep unrecognised speech",
        "On your disk, readable by you alone, until its words are saved; then it is deleted. Off: never written.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Validate."""
        _validate(self)


@dataclass(frozen=True)
class Settings:
    """All sections."""

    segmenter: SegmenterSettings = field(default_factory=SegmenterSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    recognizer: RecognizerSettings = field(default_factory=RecognizerSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    recovery: RecoverySettings = field(default_factory=RecoverySettings)
