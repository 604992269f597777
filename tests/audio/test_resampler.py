from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.audio.resampler import StreamingResampler
from tests.support.media_files import Floats, tone

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000)


def resample(samples: Floats, rate_hz: int, sizes: list[int]) -> Floats:
    """Push in blocks whose sizes cycle through ``sizes``, then flush."""
    resampler, parts, start, turn = StreamingResampler(rate_hz), [], 0, 0
    while start < samples.size:
        size = sizes[turn % len(sizes)]
        parts.append(resampler.push(samples[start : start + size]))
        start, turn = start + size, turn + 1
    return np.concatenate([*parts, resampler.flush()])


@pytest.mark.parametrize("rate_hz", RATES)
def test_length_pitch_level_and_position_are_kept(rate_hz: int) -> None:
    result = resample(tone(2, rate_hz), rate_hz, [rate_hz // 50])
    assert result.dtype == np.float32
    assert result.size == pytest.approx(32_000, abs=1)
    np.testing.assert_allclose(result[1600:-1600], tone(2, 16_000)[1600 : result.size - 1600], atol=1e-4)


@given(st.sampled_from(RATES), st.lists(st.integers(0, 5000), min_size=1, max_size=8).filter(any))
def test_cutting_makes_no_difference(rate_hz: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(0).standard_normal(9_000).astype(np.float32)
    np.testing.assert_allclose(resample(samples, rate_hz, sizes), resample(samples, rate_hz, [9_000]), atol=1e-5)


def test_16_khz_passes_through_untouched() -> None:
    block, resampler = tone(0.02, 16_000), StreamingResampler(16_000)
    assert resampler.push(block) is block
    assert resampler.flush().size == 0
    assert resampler.delay_s == 0.0


def test_the_delay_stays_small_at_usual_rates() -> None:
    """What the filter holds back is waiting time for the user."""
    for rate_hz in (44_100, 48_000):
        resampler = StreamingResampler(rate_hz)
        block = np.zeros(rate_hz // 100, dtype=np.float32)
        delays_s = []
        for _ in range(300):
            resampler.push(block)
            delays_s.append(resampler.delay_s)
        assert max(delays_s) < 0.05


def test_after_a_flush_a_new_stream_begins() -> None:
    resampler = StreamingResampler(48_000)
    first = np.concatenate([resampler.push(tone(1, 48_000)), resampler.flush()])
    second = np.concatenate([resampler.push(tone(1, 48_000)), resampler.flush()])
    np.testing.assert_array_equal(first, second)
    assert resampler.flush().size == 0
