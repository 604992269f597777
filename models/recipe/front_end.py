"""The app's front end with the bands that the recipe's networks read."""

from __future__ import annotations

from dictation.asr.front_end import FeatureParameters
from dictation.core.records import SAMPLE_RATE_HZ

FEATURES = FeatureParameters(
    sample_rate_hz=SAMPLE_RATE_HZ,
    fft_size=512,
    window_samples=400,
    hop_samples=160,
    mel_bins=25,
    low_hz=130.0,
    high_hz=6800.0,
    log_floor=1e-6,
    deviation_floor=1e-5,  # unused
    peak=0.7,
    is_scaled=False,  # the Gaussians need the true size of the differences
)
"""The bands that CMU Sphinx's Gaussians were trained on."""
