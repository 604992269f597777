"""The proposed threshold and the sentence that explains it."""

from __future__ import annotations

import numpy as np
import pytest

from dictation.core.calibration import HIGHEST_DBFS, LOWEST_DBFS, calibrate
from dictation.core.segmenter import SegmentClosed, Segmenter
from dictation.core.settings import SegmenterSettings
from tests.support.synth import babble, join, noise, silence


def test_a_quiet_room_gets_a_low_threshold_and_a_good_verdict() -> None:
    found = calibrate([-62.0] * 120 + [-58.0] * 5)
    assert found.threshold_dbfs == -50
    assert found.floor_dbfs == -62
    assert found.sentence == "Noise floor -62 dBFS, threshold -50 dBFS, margin 12 dB: a good room."


def test_a_loud_room_is_named() -> None:
    assert "speak close to the microphone" in calibrate([-30.0] * 125).sentence


def test_speech_during_calibration_is_noticed() -> None:
    assert "not quiet" in calibrate([-60.0] * 90 + [-20.0] * 35).sentence


@pytest.mark.parametrize(("level", "bound"), [(-100.0, LOWEST_DBFS), (-2.0, HIGHEST_DBFS)])
def test_the_proposal_stays_within_the_slider(level: float, bound: float) -> None:
    assert calibrate([level] * 125).threshold_dbfs == bound


def test_no_levels_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        calibrate([])


def test_the_proposed_threshold_finds_speech_in_the_room_it_was_measured_in() -> None:
    room = noise(10, -55, seed=4)
    segmenter = Segmenter(SegmenterSettings(), is_armed=False)
    segmenter.push(room[:32000])
    found = calibrate(segmenter.take_levels().levels_dbfs)
    segmenter.configure(SegmenterSettings(threshold_dbfs=found.threshold_dbfs))
    segmenter.arm()
    speech = join(silence(3), babble(1.5, -18), silence(3.5))
    events = segmenter.push(room[32000:] + speech)
    segments = [event.segment for event in events if isinstance(event, SegmentClosed)]
    assert len(segments) == 1
    assert segments[0].onset_frame / 16000 == pytest.approx(5.0, abs=0.05)
    assert np.isfinite(found.margin_db)
