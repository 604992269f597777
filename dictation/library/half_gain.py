"""How much faster the CPU multiplies in bfloat16, kept from start to start: asking torch anew takes seconds."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import platform
from importlib import metadata
from pathlib import Path

import platformdirs

_CPU_FACTS = Path("/proc/cpuinfo")
_FACT_NAMES = ("model name", "flags", "Features", "CPU part")

_log = logging.getLogger(__name__)


def known_half_gain() -> float:
    """What ``half_products.half_gain`` measured on this CPU with this torch; measured now if it never was. Thread: any.

    Never raises; 1 if torch cannot be asked.
    """
    key = _key()
    try:
        return float(json.loads(_cache_file().read_text(encoding="utf-8"))[key])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        from dictation.asr.half_products import half_gain
        from dictation.asr.processor import use_threads

        use_threads()
        gain = half_gain()
    except (ImportError, RuntimeError) as error:
        _log.warning("torch cannot say how fast it multiplies in bfloat16: %s", error)
        return 1.0
    _keep(key, gain)
    return gain


def _key() -> str:
    """Torch and the CPU; virtual machines of one name differ in their instructions."""
    try:
        lines = _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines()
        cpu = sorted({line for line in lines if line.startswith(_FACT_NAMES)})
    except OSError:
        cpu = [platform.processor()]
    try:
        torch_version = metadata.version("torch")
    except metadata.PackageNotFoundError:  # a frozen program may carry torch without its description
        torch_version = ""
    parts = (torch_version, platform.platform(), *cpu)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _keep(key: str, gain: float) -> None:
    """Write the answer; a cache that cannot be written costs seconds next time, no more."""
    path = _cache_file()
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({key: gain}), encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        _log.warning("how fast the CPU multiplies in bfloat16 cannot be kept: %s", error)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _cache_file() -> Path:
    return platformdirs.user_cache_path("dictation", appauthor=False) / "half-gain.json"
