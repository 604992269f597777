"""Made-up signals whose boundaries are known: 16 kHz mono float32."""

from __future__ import annotations

import numpy as np

from dictation.core.records import SAMPLE_RATE_HZ, Samples


def silence(length_s: float) -> Samples:
    return np.zeros(round(length_s * SAMPLE_RATE_HZ), dtype=np.float32)


def noise(length_s: float, level_dbfs: float, seed: int = 0, colour: float = 0.0) -> Samples:
    """Gaussian noise of the given RMS level; ``colour`` 0 is white, towards 1 ever more of it is low."""
    from scipy.signal import lfilter

    white = np.random.default_rng(seed).standard_normal(round(length_s * SAMPLE_RATE_HZ))
    shaped = lfilter([1.0], [1.0, -colour], white)
    return (shaped / shaped.std() * 10 ** (level_dbfs / 20)).astype(np.float32)


def tone(length_s: float, level_dbfs: float = -12.0, frequency_hz: float = 300.0) -> Samples:
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def babble(length_s: float, level_dbfs: float = -12.0, seed: int = 0) -> Samples:
    """Something as restless as speech: voiced syllables of 120-280 ms with dips of 50 dB for 30-60 ms between."""
    rng = np.random.default_rng(seed)
    parts, total = [], 0
    while total < round(length_s * SAMPLE_RATE_HZ):
        syllable = tone(float(rng.uniform(0.12, 0.28)), level_dbfs, float(rng.uniform(120, 280)))
        dip = noise(float(rng.uniform(0.03, 0.06)), level_dbfs - 50, int(rng.integers(1 << 30)))
        parts += [syllable, dip]
        total += syllable.size + dip.size
    return np.concatenate(parts)[: round(length_s * SAMPLE_RATE_HZ)]


def click(length_ms: float = 8.0, level_dbfs: float = -6.0) -> Samples:
    return tone(length_ms / 1000, level_dbfs, 1000.0)


def join(*parts: Samples) -> Samples:
    return np.concatenate(parts)
