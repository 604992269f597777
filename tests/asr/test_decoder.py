from __future__ import annotations

import gc
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dictation.asr.decoder import BeamDecoder, word_confidence
from dictation.asr.labels import Labels
from dictation.asr.ngrams import PersonalFiles, load_ngrams, mix_in
from dictation.core.errors import ModelDamaged
from dictation.core.settings import RecognizerSettings
from tests.support.arpa import arpa
from tests.support.log_probs import ENGLISH, between, spell

FRAME_S = 0.04
PLAIN = RecognizerSettings(lm_weight=0.5, word_score=0.0)

ARPA = arpa(
    {
        "</s>": (-1.0,),
        "<s>": (-99, -0.3),
        "<unk>": (-2.0,),
        "four": (-1.0, -0.3),
        "five": (-1.0, -0.3),
        "fives": (-3.0, -0.3),
        "blue": (-1.0, -0.3),
    },
    {"<s> four": -0.3, "four five": -0.1},
)


@pytest.fixture(scope="module")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


def decoder(settings: RecognizerSettings = PLAIN, arpa: Path | None = None) -> BeamDecoder:
    made = BeamDecoder(ENGLISH, FRAME_S, load_ngrams(arpa, None) if arpa else None)
    made.configure(settings)
    return made


def best(made: BeamDecoder, log_probs: np.ndarray) -> str:
    return made.decode(log_probs, 60.0, 50, 5)[0].text


def test_clear_letters_are_read_with_and_without_a_language_model(arpa: Path) -> None:
    log_probs = spell("four five")
    assert best(decoder(), log_probs) == "four five"
    assert best(decoder(arpa=arpa), log_probs) == "four five"


def test_the_language_model_decides_where_the_sound_does_not(arpa: Path) -> None:
    log_probs = between(spell("four fave"), spell("four five"), 0.6)
    assert best(decoder(), log_probs) == "four fave"
    assert best(decoder(arpa=arpa), log_probs) == "four five"
    assert best(decoder(RecognizerSettings(lm_weight=0.0, word_score=0.0), arpa), log_probs) == "four fave"


def test_a_model_of_upper_case_words_serves_lower_case_labels(arpa: Path, tmp_path: Path) -> None:
    upper = tmp_path / "lm.arpa"
    upper.write_text(re.sub("f[a-z]+|blue", lambda word: word[0].upper(), ARPA), encoding="utf-8")
    log_probs = between(spell("four fave"), spell("four five"), 0.6)
    lower, shouted = (decoder(arpa=path).decode(log_probs, 60.0, 50, 5)[0] for path in (arpa, upper))
    assert (shouted.text, shouted.score) == ("four five", pytest.approx(lower.score))
    favoured = RecognizerSettings(lm_weight=0.5, word_score=0.0, hotwords=("blux",), hotword_weight=9.0)
    log_probs = between(spell("four blue"), spell("four blux"), 0.5)
    assert best(decoder(favoured, upper), log_probs) == "four blux"


def test_other_blank_and_separator() -> None:
    labels = Labels(("a", "b", "ö", "|", "<pad>"), "<pad>", "|")
    made = BeamDecoder(labels, FRAME_S)
    made.configure(PLAIN)
    assert best(made, spell("bö|a", labels)) == "bö a"


def test_a_reading_that_ends_in_a_separator_keeps_its_last_word(arpa: Path) -> None:
    """pyctcdecode 0.5.0 scores the empty text after a last separator as an unknown word.

    With loose pruning "four five" then lost to "four fives", and "dictation" to "diction" in the self-test clip.
    """
    log_probs = between(spell("four five "), spell("four fives"), 0.9)
    assert best(decoder(arpa=arpa), log_probs) == "four five"
    with_separator = decoder(arpa=arpa).decode(spell("four five "), 60.0, 50, 1)[0]
    without = decoder(arpa=arpa).decode(spell("four five"), 60.0, 50, 1)[0]
    assert with_separator.score == pytest.approx(without.score, abs=0.5)


def test_word_times_and_confidence() -> None:
    words = decoder().decode(spell("four five", blanks=1, sure=0.9), 60.0, 50, 1)[0].words
    assert [word.text for word in words] == ["four", "five"]
    assert words[0].start_s == 0.0  # frame 0, whose cell begins before the audio
    assert words[0].end_s == pytest.approx((7 - 0.5) * FRAME_S)  # letters on frames 0, 2, 4, 6
    assert words[1].start_s == pytest.approx((10 - 0.5) * FRAME_S)
    assert words[1].end_s == pytest.approx((17 - 0.5) * FRAME_S)
    assert [word.confidence for word in words] == [pytest.approx(0.9, abs=0.01)] * 2


def test_word_times_of_a_network_whose_first_frame_lies_later() -> None:
    log_probs = spell("four")
    times = []
    for first_frame_s in (0.0, 0.0125):
        made = BeamDecoder(ENGLISH, FRAME_S, None, first_frame_s)
        made.configure(PLAIN)
        word = made.decode(log_probs, 60.0, 50, 1)[0].words[0]
        times.append((word.start_s, word.end_s))
    assert times[1][1] == pytest.approx(times[0][1] + 0.0125)


def test_confidence_is_the_geometric_mean_of_the_best_frames() -> None:
    letters = np.log(np.array([[0.9, 0.001], [0.1, 0.2], [0.01, 0.4]]))
    assert word_confidence(letters) == pytest.approx(np.sqrt(0.9 * 0.4))
    in_order = np.log(np.array([[0.1, 0.9], [0.9, 0.1]]))
    assert word_confidence(in_order) == pytest.approx(0.1)


def test_a_hotword_changes_a_confusable_word() -> None:
    log_probs = between(spell("call jon now"), spell("call jen now"), 0.7)
    assert best(decoder(), log_probs) == "call jon now"
    assert best(decoder(RecognizerSettings(hotwords=("Jen",), hotword_weight=8.0)), log_probs) == "call jen now"


def test_a_hotword_outside_the_vocabulary_is_recognised(arpa: Path) -> None:
    """pyctcdecode 0.5.0 charges it 10 in log10 as an unknown word, more than any sensible weight."""
    log_probs = between(spell("four blue"), spell("four blux"), 0.5)
    plain = RecognizerSettings(lm_weight=0.9, word_score=0.0)
    assert best(decoder(plain, arpa), log_probs) == "four blue"
    favoured = RecognizerSettings(lm_weight=0.9, word_score=0.0, hotwords=("blux",), hotword_weight=8.0)
    assert best(decoder(favoured, arpa), log_probs) == "four blux"


def test_a_personal_model_makes_its_words_known(arpa: Path, tmp_path: Path) -> None:
    """ "blux" is unknown to the general model; the personal one has it, and only while the settings name it."""
    own = tmp_path / "own.arpa"
    own.write_text(ARPA.replace("blue", "blux").replace("four five", "four blux"), encoding="utf-8")
    (tmp_path / "words.txt").write_text("four five fives blux")
    files = PersonalFiles("mine", own, tmp_path / "words.txt", 0.5, "abx")
    general = load_ngrams(arpa, None)
    made = BeamDecoder(ENGLISH, FRAME_S, general, mixed=mix_in(general, files, ENGLISH.symbols))
    log_probs = between(spell("four blue"), spell("four blux"), 0.5)
    plain = RecognizerSettings(lm_weight=0.9, word_score=0.0)
    for settings, text in ((plain, "four blue"), (replace(plain, personal_model="mine"), "four blux")) * 2:
        made.configure(settings)
        assert best(made, log_probs) == text
    favoured = replace(plain, personal_model="mine", hotwords=("bluy",), hotword_weight=12.0)
    made.configure(favoured)
    assert best(made, between(spell("four bluy"), spell("four blux"), 0.5)) == "four bluy"


def test_hotwords_that_cannot_be_spelled_are_listed_and_harmless() -> None:
    made = decoder(RecognizerSettings(hotwords=("naïve", "Five", " ")))
    assert made.unspellable_hotwords == ("naïve", " ")
    assert best(made, spell("four five")) == "four five"
    made.configure(PLAIN)
    assert made.unspellable_hotwords == ()


def test_a_model_of_letters_ignores_how_a_hotword_sounds() -> None:
    made = decoder(RecognizerSettings(hotwords=("blux = blucks",), hotword_weight=12.0))
    assert made.unspellable_hotwords == ()
    assert best(made, between(spell("four blux"), spell("four bluy"), 0.5)) == "four blux"


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_nothing_but_blank_gives_no_words(frames: int, arpa: Path) -> None:
    log_probs = spell("", blanks=0) if not frames else spell("a", blanks=frames)[1:]
    for made in (decoder(), decoder(arpa=arpa)):
        assert made.decode(log_probs, 1.0, 50, 5)[0].words == ()


def test_configure_comes_first() -> None:
    with pytest.raises(RuntimeError, match="configure"):
        BeamDecoder(ENGLISH, FRAME_S).decode(spell("a"), 1.0, 10, 1)


def test_the_language_model_is_let_go(arpa: Path) -> None:
    """pyctcdecode keeps it in a class variable: each reload of a model would leak one."""
    from pyctcdecode.decoder import BeamSearchDecoderCTC

    gc.collect()
    held = len(BeamSearchDecoderCTC.model_container)
    closed, dropped = decoder(arpa=arpa), decoder(arpa=arpa)
    assert len(BeamSearchDecoderCTC.model_container) == held + 2
    closed.close()
    closed.close()
    del dropped
    gc.collect()
    assert len(BeamSearchDecoderCTC.model_container) == held


def test_a_file_that_is_no_language_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lm.arpa").write_text("not a model", encoding="utf-8")
    with pytest.raises(ModelDamaged, match=r"lm.arpa is not a language model that KenLM can read"):
        load_ngrams(tmp_path / "lm.arpa", None)


def test_an_unreadable_vocabulary_is_refused(arpa: Path, tmp_path: Path) -> None:
    (tmp_path / "unigrams.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ModelDamaged, match="vocabulary"):
        load_ngrams(arpa, tmp_path / "unigrams.txt")


LABELS = Labels(("_", " ", "a", "b"), "_", " ")
LOGITS = st.integers(1, 12).flatmap(
    lambda frames: arrays(np.float32, (frames, len(LABELS)), elements=st.floats(-20, 20, width=32))
)


@given(logits=LOGITS, beam_width=st.integers(1, 30), n_best=st.integers(1, 5), has_hotword=st.booleans())
def test_every_result_is_well_formed(logits: np.ndarray, beam_width: int, n_best: int, has_hotword: bool) -> None:
    log_probs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    audio_s = len(logits) * FRAME_S - 0.01
    made = BeamDecoder(LABELS, FRAME_S)
    made.configure(RecognizerSettings(hotwords=("ab",) if has_hotword else ()))
    found = made.decode(log_probs, audio_s, beam_width, n_best)
    assert 1 <= len(found) <= min(n_best, beam_width)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert len({one.text for one in found}) == len(found)
    for one in found:
        borders = [border for word in one.words for border in (word.start_s, word.end_s)]
        assert borders == sorted(borders)
        assert all(0 <= border <= audio_s for border in borders)
        assert all(word.start_s < word.end_s for word in one.words)
        assert all(0 < word.confidence <= 1 for word in one.words)
        assert all(word.text and " " not in word.text for word in one.words)
