"""Made-up sounds that are no speech, each drawn from a random generator: what an unattended microphone hears."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from dictation.core.records import SAMPLE_RATE_HZ, Samples

Floats = npt.NDArray[np.float64]
Rng = np.random.Generator


def _seconds(length_s: float) -> Floats:
    """Time of each sample."""
    return np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _coloured(rng: Rng, length_s: float, slope_db: float) -> Floats:
    """Gaussian noise whose spectrum falls by so many decibels per octave."""
    spectrum = np.fft.rfft(rng.standard_normal(round(length_s * SAMPLE_RATE_HZ)))
    octaves = np.log2(np.maximum(1, np.arange(len(spectrum))))
    return np.fft.irfft(spectrum * 10 ** (-slope_db * octaves / 20), round(length_s * SAMPLE_RATE_HZ))


def _band(rng: Rng, length_s: float, low_hz: float, high_hz: float) -> Floats:
    """Gaussian noise between two frequencies."""
    count = round(length_s * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ)
    return np.fft.irfft(np.where((hz >= low_hz) & (hz <= high_hz), spectrum, 0), count)


def _ramped(sound: Floats, rise_s: float, fall_s: float) -> Floats:
    """Let a sound rise and fall, at most half of it each."""
    ramp = np.minimum(_seconds(len(sound) / SAMPLE_RATE_HZ) / rise_s, 1)
    fall = np.minimum(_seconds(len(sound) / SAMPLE_RATE_HZ)[::-1] / fall_s, 1)
    return sound * ramp * fall


def silence(rng: Rng, length_s: float) -> Floats:
    """A quiet input: the last bit or two."""
    return 1e-4 * rng.standard_normal(round(length_s * SAMPLE_RATE_HZ))


def hum(rng: Rng, length_s: float) -> Floats:
    """Mains hum with its harmonics, slowly swelling."""
    time_s, base_hz = _seconds(length_s), rng.choice([50.0, 60.0])
    tones = [
        np.sin(2 * np.pi * base_hz * n * time_s + rng.uniform(0, 6)) / n ** rng.uniform(0.5, 2) for n in range(1, 9)
    ]
    return np.sum(tones, axis=0) * (1 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * time_s))


def hiss(rng: Rng, length_s: float) -> Floats:
    """Steam or an air jet: high noise that comes and goes."""
    low_hz = rng.uniform(1500, 4000)
    return _ramped(_band(rng, length_s, low_hz, low_hz + rng.uniform(1500, 3800)), 0.2, 0.2)


def room(rng: Rng, length_s: float) -> Floats:
    """A fan, traffic or rain: noise of some colour whose level drifts."""
    drift = np.interp(_seconds(length_s), np.linspace(0, length_s, 8), rng.uniform(0.3, 1, 8))
    return _coloured(rng, length_s, rng.uniform(0, 7)) * drift


def breath(rng: Rng, length_s: float) -> Floats:
    """Breathing into the microphone: a soft band of noise, in and out."""
    sound = np.zeros(round(length_s * SAMPLE_RATE_HZ))
    at_s = rng.uniform(0, 0.5)
    while at_s < length_s:
        part = _band(rng, rng.uniform(0.5, 1.4), rng.uniform(150, 500), rng.uniform(1500, 4500))
        _add(sound, _ramped(part * rng.uniform(0.4, 1) / part.std(), 0.25, 0.3), at_s)
        at_s += rng.uniform(1.2, 2.5)
    return sound


def tones(rng: Rng, length_s: float) -> Floats:
    """Something like music: notes with harmonics, sometimes several at once, with vibrato."""
    sound = np.zeros(round(length_s * SAMPLE_RATE_HZ))
    at_s = 0.0
    while at_s < length_s:
        note_s = float(rng.choice([0.15, 0.25, 0.5, 1.0]))
        for _ in range(rng.integers(1, 4)):
            time_s, hz = _seconds(note_s), 110 * 2 ** (rng.integers(0, 36) / 12)
            phase = 2 * np.pi * hz * time_s + rng.uniform(0, 2) * np.sin(2 * np.pi * 5.5 * time_s)
            voice = np.sum([np.sin(n * phase) / n**1.5 for n in range(1, 7) if n * hz < SAMPLE_RATE_HZ / 2], axis=0)
            _add(sound, _ramped(voice, 0.02, 0.1), at_s)
        at_s += note_s + float(rng.choice([0.0, 0.0, 0.2]))
    return sound


def clicks(rng: Rng, length_s: float) -> Floats:
    """Key strokes and mouse clicks: short bursts, alone or in quick rows."""
    return _strokes(rng, length_s, (0.004, 0.02), (1500.0, 7000.0), (0.05, 0.9))


def knocks(rng: Rng, length_s: float) -> Floats:
    """Knocks, steps, things put down: short, low and ringing."""
    return _strokes(rng, length_s, (0.03, 0.15), (80.0, 900.0), (0.15, 1.5))


def _strokes(
    rng: Rng,
    length_s: float,
    lasting_s: tuple[float, float],
    band_hz: tuple[float, float],
    apart_s: tuple[float, float],
) -> Floats:
    """Decaying bursts of noise with a resonance."""
    sound = np.zeros(round(length_s * SAMPLE_RATE_HZ))
    at_s = rng.uniform(0, 0.5)
    while at_s < length_s:
        decay_s = rng.uniform(*lasting_s)
        time_s = _seconds(4 * decay_s)
        ringing = np.sin(2 * np.pi * rng.uniform(*band_hz) * time_s)
        burst = (ringing + rng.uniform(0.2, 1) * rng.standard_normal(len(time_s))) * np.exp(-time_s / decay_s)
        _add(sound, rng.uniform(0.3, 1) * burst, at_s)
        at_s += rng.uniform(*apart_s)
    return sound


def _add(sound: Floats, part: Floats, at_s: float) -> None:
    """Mix a part in, as far as it fits."""
    first = round(at_s * SAMPLE_RATE_HZ)
    part = part[: max(0, len(sound) - first)]
    sound[first : first + len(part)] += part


KINDS: dict[str, Callable[[Rng, float], Floats]] = {
    kind.__name__: kind for kind in (silence, hum, hiss, room, breath, tones, clicks, knocks)
}
LEAST_S, MOST_S = 2.0, 20.0
QUIETEST_DBFS, LOUDEST_DBFS = -45.0, -10.0
"""Peak of a stretch, but for silence; speech at a desk peaks at -30 to -6 dBFS."""


def stretches(length_s: float, seed: int) -> Iterator[tuple[str, Samples]]:
    """Stretches of 2 to 20 s, ``length_s`` in all, kinds and levels drawn from the seed, each over a quiet room."""
    rng = np.random.default_rng(seed)
    left_s = length_s
    while left_s > 0:
        stretch_s = min(left_s, rng.uniform(LEAST_S, MOST_S)) if left_s > LEAST_S else left_s
        kind = str(rng.choice(list(KINDS)))
        sound = KINDS[kind](rng, stretch_s)
        if kind != silence.__name__:
            peak = 10 ** (rng.uniform(QUIETEST_DBFS, LOUDEST_DBFS) / 20)
            sound = peak * sound / max(float(np.abs(sound).max(initial=0.0)), 1e-9) + silence(rng, stretch_s)
        yield kind, np.clip(sound, -1, 1).astype(np.float32)
        left_s -= stretch_s
