"""The segmenter on signals whose boundaries are known, one test for each trap of the ancestor."""

from __future__ import annotations

import numpy as np
import pytest

from dictation.core.detector import LevelDetector
from dictation.core.errors import InvalidAudio
from dictation.core.records import HOP_FRAMES, SAMPLE_RATE_HZ, CloseCause, Samples, Segment
from dictation.core.segmenter import (
    SegmentClosed,
    Segmenter,
    SegmentEvent,
    SegmentOpened,
    SegmentPaused,
    SegmentRejected,
    SegmentResumed,
)
from dictation.core.settings import SegmenterSettings
from tests.support.synth import babble, click, join, noise, silence, tone

HOP_S = HOP_FRAMES / SAMPLE_RATE_HZ


def run(samples: Samples, **settings: float) -> tuple[list[SegmentEvent], Segmenter]:
    segmenter = Segmenter(SegmenterSettings(**settings))
    events = []
    for start in range(0, samples.size, 4000):
        events += segmenter.push(samples[start : start + 4000])
    return events + segmenter.flush(), segmenter


def segments(events: list[SegmentEvent]) -> list[Segment]:
    return [event.segment for event in events if isinstance(event, SegmentClosed)]


def test_an_utterance_has_its_pre_roll_and_post_roll() -> None:
    events, _ = run(join(silence(1), babble(1), silence(1)), pre_roll_ms=150, timeout_ms=300)
    (segment,) = segments(events)
    assert segment.cause is CloseCause.SILENCE
    assert segment.onset_frame / SAMPLE_RATE_HZ == pytest.approx(1.0, abs=HOP_S)
    assert (segment.onset_frame - segment.start_frame) / SAMPLE_RATE_HZ == pytest.approx(0.150)
    assert segment.speech_end_frame / SAMPLE_RATE_HZ == pytest.approx(2.0, abs=0.06)
    assert (segment.end_frame - segment.speech_end_frame) / SAMPLE_RATE_HZ == pytest.approx(0.144)
    assert segment.samples.shape == (segment.end_frame - segment.start_frame,)


def test_segment_audio_is_the_input_untouched_and_read_only() -> None:
    signal = join(silence(0.5), babble(0.7), silence(0.6))
    (segment,) = segments(run(signal)[0])
    assert np.array_equal(segment.samples, signal[segment.start_frame : segment.end_frame])
    with pytest.raises(ValueError, match="read-only"):
        segment.samples[0] = 1.0


def test_threshold_is_amplitude_on_both_sides_of_zero() -> None:
    """FLAPI's "-23 dB" is amplitude 0.005, which is -46 dBFS."""
    assert SegmenterSettings().threshold_dbfs == pytest.approx(20 * np.log10(0.005), abs=0.1)
    loud_enough = join(silence(0.5), babble(1, level_dbfs=-43), silence(1))
    too_quiet = join(silence(0.5), babble(1, level_dbfs=-49), silence(1))
    assert len(segments(run(loud_enough)[0])) == 1
    assert run(too_quiet)[0] == []


def test_one_sided_pulses_and_dc_steps_do_not_open() -> None:
    pulses = silence(2)
    pulses[::1600] = 0.5
    step = join(silence(1), np.full(16000, 0.3, dtype=np.float32))
    assert segments(run(pulses)[0]) == []
    assert run(step)[0] == []


def test_rumble_does_not_open_but_stays_in_the_audio() -> None:
    rumble = tone(4, -30, 8.0)
    assert run(rumble)[0] == []
    speech = join(silence(1), babble(1), silence(2))
    (segment,) = segments(run(speech + rumble)[0])
    assert np.array_equal(segment.samples, (speech + rumble)[segment.start_frame : segment.end_frame])


def test_a_rejected_click_keeps_the_pre_roll() -> None:
    """FLAPI reset its buffer after a click, and the word that followed lost its beginning."""
    signal = join(silence(1), click(), silence(0.35), babble(1), silence(1))
    events, _ = run(signal, pre_roll_ms=500, timeout_ms=300)
    rejected = [event for event in events if isinstance(event, SegmentRejected)]
    (segment,) = segments(events)
    assert [event.reason for event in rejected] == ["click"]
    assert segment.onset_frame - segment.start_frame == 0.5 * SAMPLE_RATE_HZ
    assert segment.start_frame < rejected[0].onset_frame


def test_typing_is_rejected() -> None:
    keys = join(silence(0.5), *[join(click(12), silence(0.11)) for _ in range(40)], silence(1))
    events, segmenter = run(keys)
    assert segments(events) == []
    assert segmenter.silence_frames == keys.size


def test_too_long_an_utterance_is_split_at_its_quietest_point_and_both_parts_are_kept() -> None:
    """FLAPI's ring dropped the oldest audio: an utterance over 10 s lost its start."""
    signal = join(silence(0.5), babble(8.5), silence(0.15), babble(3), silence(1))
    events, _ = run(signal, max_segment_s=10, timeout_ms=300)
    first, second = segments(events)
    assert first.cause is CloseCause.MAX_LENGTH
    assert first.end_frame == second.start_frame == second.onset_frame
    assert 9.0 <= first.end_frame / SAMPLE_RATE_HZ <= 9.15
    assert second.segment_id == first.segment_id + 1


def test_no_segment_exceeds_the_maximum() -> None:
    found = segments(run(babble(60), max_segment_s=5)[0])
    assert len(found) >= 12
    assert all(segment.length_s <= 5.02 for segment in found)


def test_the_end_of_the_input_flushes() -> None:
    """FLAPI returned at the end of a file without its last words."""
    signal = join(silence(1), babble(1))
    (segment,) = segments(run(signal)[0])
    assert segment.cause is CloseCause.END_OF_INPUT
    assert segment.end_frame == signal.size


def test_a_short_vowel_cut_off_by_the_end_is_kept() -> None:
    assert len(segments(run(join(silence(1), tone(0.2)))[0])) == 1


def test_hysteresis_keeps_a_fading_word_open() -> None:
    signal = join(silence(0.5), babble(0.4, -40), tone(0.6, -49), babble(0.3, -40), silence(1))
    events, _ = run(signal, threshold_dbfs=-46, timeout_ms=300)
    assert len(segments(events)) == 1


def test_steady_noise_cannot_hold_a_segment_open() -> None:
    """A fan is switched on: the floor follows within 3 s, and later speech is cut out of the noise."""
    fan = noise(20, -40)
    fan[: SAMPLE_RATE_HZ * 2] = 0
    signal = fan + join(silence(10), babble(1.5, -12), silence(8.5))
    events, _ = run(signal, max_segment_s=30)
    (segment,) = segments(events)
    assert segment.onset_frame / SAMPLE_RATE_HZ == pytest.approx(10.0, abs=0.05)
    assert segment.length_s < 2.5
    assert [event.reason for event in events if isinstance(event, SegmentRejected)] == ["steady noise"]


def test_speech_from_the_first_sample_on_is_not_taken_for_the_floor() -> None:
    (segment,) = segments(run(join(babble(2), silence(1)))[0])
    assert segment.start_frame == 0


def test_a_pause_offers_exactly_the_segment_that_silence_will_close() -> None:
    events, _ = run(join(silence(0.5), babble(1), silence(1)))
    kinds = [type(event) for event in events]
    assert kinds[-2:] == [SegmentPaused, SegmentClosed]
    paused, closed = events[-2].segment, events[-1].segment
    assert (paused.segment_id, paused.start_frame, paused.end_frame) == (
        closed.segment_id, closed.start_frame, closed.end_frame)  # fmt: skip
    assert np.array_equal(paused.samples, closed.samples)


def test_speech_that_comes_back_before_the_timeout_voids_the_pause() -> None:
    events, _ = run(join(silence(0.5), babble(0.5), silence(0.22), babble(0.5), silence(1)))
    assert [type(event) for event in events] == [
        SegmentOpened, SegmentPaused, SegmentResumed, SegmentPaused, SegmentClosed]  # fmt: skip


def test_a_timeout_that_shrinks_in_mid_pause_still_offers_the_segment() -> None:
    segmenter = Segmenter(SegmenterSettings(timeout_ms=600))
    events = segmenter.push(join(silence(0.5), babble(1.0), silence(0.1)))
    segmenter.configure(SegmenterSettings(timeout_ms=160))
    events += segmenter.push(silence(0.5))
    assert [type(event) for event in events] == [SegmentOpened, SegmentPaused, SegmentClosed]
    assert events[1].segment.end_frame == events[2].segment.end_frame


def test_a_gap_closes_the_utterance_and_nothing_spans_it() -> None:
    segmenter = Segmenter(SegmenterSettings())
    events = segmenter.push(join(silence(0.5), babble(1)))
    events += segmenter.mark_gap()
    gap_frame = segmenter.received_frames
    events += segmenter.push(join(babble(1), silence(1)))
    before, after = segments(events)
    assert before.cause is CloseCause.GAP
    assert before.end_frame == gap_frame
    assert after.start_frame >= gap_frame


def test_disarmed_it_opens_nothing_but_a_recording_starts_in_the_past() -> None:
    segmenter = Segmenter(SegmenterSettings(pre_roll_ms=200), is_armed=False)
    assert segmenter.push(join(silence(0.5), babble(1))) == []
    assert segmenter.take_levels() is not None
    segmenter.arm()
    (segment,) = segments(segmenter.push(join(babble(1, seed=1), silence(1))))
    assert segment.start_frame / SAMPLE_RATE_HZ == pytest.approx(1.3, abs=0.02)


def test_disarming_in_mid_word_keeps_every_sample_heard() -> None:
    segmenter = Segmenter(SegmenterSettings())
    segmenter.push(join(silence(0.5), babble(1.0037)))
    (segment,) = segments(segmenter.disarm())
    assert segment.end_frame == segmenter.received_frames
    segmenter.arm()
    (later,) = segments(segmenter.push(join(babble(1), silence(1))))
    assert later.start_frame == segment.end_frame
    assert later.onset_frame >= later.start_frame


def test_settings_change_while_running() -> None:
    segmenter = Segmenter(SegmenterSettings(threshold_dbfs=-20))
    assert segmenter.push(babble(1, -30)) == []
    segmenter.configure(SegmenterSettings(threshold_dbfs=-40))
    assert isinstance(segmenter.push(babble(0.2, -30))[0], SegmentOpened)


def test_open_audio_is_withheld_until_it_cannot_be_a_click() -> None:
    segmenter = Segmenter(SegmenterSettings())
    segmenter.push(join(silence(0.5), tone(0.03)))
    assert segmenter.is_open
    assert segmenter.open_audio() is None
    segmenter.push(tone(0.1))
    audio = segmenter.open_audio()
    assert audio is not None
    assert audio.samples.size == segmenter.received_frames - audio.start_frame


def test_open_audio_can_be_taken_piece_by_piece() -> None:
    segmenter = Segmenter(SegmenterSettings())
    pieces: list[Samples] = []
    end_frame = 0
    for block in np.array_split(join(silence(0.5), babble(1.0)), 40):
        segmenter.push(block)
        audio = segmenter.open_audio(end_frame)
        if audio is not None:
            pieces.append(audio.samples)
            end_frame = audio.start_frame + audio.samples.size
    whole = segmenter.open_audio()
    assert whole is not None
    assert len(pieces) > 20
    assert np.array_equal(np.concatenate(pieces), whole.samples)


def test_levels_come_one_per_hop_without_holes() -> None:
    segmenter = Segmenter(SegmenterSettings())
    segmenter.push(tone(0.5, -20))
    first = segmenter.take_levels()
    segmenter.push(tone(0.5, -20))
    second = segmenter.take_levels()
    assert first is not None
    assert second is not None
    assert second.first_hop == len(first.levels_dbfs)
    assert first.levels_dbfs[10] == pytest.approx(-20, abs=0.6)
    assert segmenter.take_levels() is None


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_samples_are_refused_at_the_door(bad: float) -> None:
    segmenter = Segmenter(SegmenterSettings())
    block = silence(0.1)
    block[7] = bad
    with pytest.raises(InvalidAudio, match="1 samples"):
        segmenter.push(block)
    assert segmenter.received_frames == 0


@pytest.mark.parametrize("bad", [np.zeros((10, 2), np.float32), np.zeros(10, np.float64), np.zeros(10, np.int16)])
def test_wrong_shapes_and_types_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InvalidAudio, match="float32"):
        Segmenter(SegmenterSettings()).push(bad)


def test_the_high_pass_is_the_recursion_it_stands_for() -> None:
    """x minus y = 0.97 y + 0.03 x, as scipy computes it sample by sample."""
    from scipy.signal import lfilter, lfilter_zi

    sound = (noise(1.0, -20, seed=5) + 0.3).astype(np.float64)
    ratio_b, ratio_a = [0.97, -0.97], [1.0, -0.97]
    filtered, _ = lfilter(ratio_b, ratio_a, sound, zi=lfilter_zi(ratio_b, ratio_a) * sound[0])
    hops = filtered[: 62 * HOP_FRAMES].reshape(62, HOP_FRAMES)
    expected = 20 * np.log10(np.minimum(hops.max(axis=1), -hops.min(axis=1)))
    found = LevelDetector().push(sound.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-4)
