from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dictation.asr.lexicon import Lexicon
from dictation.asr.lexicon_decoder import LexiconDecoder
from dictation.asr.ngrams import load_ngrams
from dictation.core.records import Hypothesis
from dictation.core.settings import RecognizerSettings
from tests.support.arpa import arpa
from tests.support.log_probs import between
from tests.support.phones import LABELS, hear, small_lexicon

FRAME_S = 0.03
PLAIN = RecognizerSettings(lm_weight=0.5, word_score=0.0)
ARPA = arpa(
    {
        "</s>": (-1.0,),
        "<s>": (-99, -0.3),
        "<unk>": (-2.0,),
        "sun": (-1.0, -0.3),
        "son": (-1.5, -0.3),
        "two": (-1.0, -0.3),
        "to": (-1.2, -0.3),
        "us": (-1.0, -0.3),
    },
    {"two son": -0.1, "to us": -0.1},
)


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    return small_lexicon(tmp_path_factory.mktemp("lexicon"))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    return small_lexicon(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def arpa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lm") / "lm.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


def decoder(
    lexicon: Lexicon, wanted: RecognizerSettings = PLAIN, arpa: Path | None = None, **more: object
) -> LexiconDecoder:
    made = LexiconDecoder(LABELS, lexicon, (FRAME_S, 0.0), load_ngrams(arpa, None) if arpa else None, **more)
    made.configure(wanted)
    return made


def best(made: LexiconDecoder, log_probs: np.ndarray) -> str:
    return made.decode(log_probs, 60.0, 100, 1)[0].text


@pytest.mark.parametrize(
    ("sounds", "text"),
    [
        ("S AA N", "sun"),
        ("- S S AA AA N N N -", "sun"),
        ("T UW - S AA N", "two sun"),
        ("T UW S AA N", "two sun"),
        ("T UW UW UW UW S AA N", "two sun"),
        ("T T UW - - T UW", "two two"),
        ("AA S S AA N", "ussun"),
        ("AA S - S AA N", "us sun"),
        ("AA S - S", "ass"),
        ("AA - AA", "a a"),
        ("AA AA", "a"),
        ("- - -", ""),
    ],
)
def test_sounds_become_words(lexicon: Lexicon, sounds: str, text: str) -> None:
    """A last sound that lasts is said once, also into the next word; a sound said twice needs a blank between."""
    assert best(decoder(lexicon), hear(sounds)) == text


def test_the_language_model_chooses_among_words_that_sound_alike(lexicon: Lexicon, arpa: Path) -> None:
    made = decoder(lexicon, arpa=arpa)
    assert best(made, hear("S AA N")) == "sun"
    assert best(made, hear("T UW - S AA N")) == "two son"
    assert best(made, hear("T UW - AA S")) == "to us"


def test_the_word_score_makes_more_and_shorter_words(lexicon: Lexicon) -> None:
    log_probs = between(hear("AA S - S AA N"), hear("AA S S S AA N"), 0.5)
    assert best(decoder(lexicon, RecognizerSettings(lm_weight=0.0, word_score=3.0)), log_probs) == "a sun"
    assert best(decoder(lexicon, RecognizerSettings(lm_weight=0.0, word_score=-3.0)), log_probs) == "ussun"


@pytest.mark.parametrize(("behind", "is_heard"), [(7.5, True), (8.5, False)])
def test_where_a_word_ends_four_fifths_of_the_margin_count(lexicon: Lexicon, behind: float, is_heard: bool) -> None:
    """In the second frame silence after T is the best way to go, and UW, which ends a word, is behind it."""
    log_probs = np.full((3, len(LABELS)), -50.0, dtype=np.float32)
    log_probs[0, LABELS.symbols.index("T")] = log_probs[1, LABELS.blank_index] = log_probs[2, LABELS.blank_index] = 0.0
    log_probs[1, LABELS.symbols.index("UW")] = -behind
    made = decoder(lexicon, RecognizerSettings(lm_weight=0.0, word_score=0.0, beam_prune_logp=-10.0))
    assert (best(made, log_probs) != "") == is_heard


def test_word_times_and_confidence(lexicon: Lexicon) -> None:
    words = decoder(lexicon).decode(hear("- T UW UW - - S AA N -", sure=0.9), 60.0, 50, 1)[0].words
    assert [word.text for word in words] == ["two", "sun"]
    times = [(word.start_s / FRAME_S, word.end_s / FRAME_S) for word in words]
    assert times == [pytest.approx((0.5, 3.5)), pytest.approx((5.5, 8.5))]  # frames 1 to 3 and 6 to 8
    assert [word.confidence for word in words] == [pytest.approx(0.9, abs=0.01)] * 2


def test_the_first_frame_may_lie_later(lexicon: Lexicon) -> None:
    made = LexiconDecoder(LABELS, lexicon, (0.02, 0.0125))
    made.configure(PLAIN)
    (word,) = made.decode(hear("- T UW -"), 60.0, 50, 1)[0].words
    assert (word.start_s, word.end_s) == (pytest.approx(0.0225), pytest.approx(0.0625))


def test_alternatives_differ_anywhere_in_the_utterance(lexicon: Lexicon, arpa: Path) -> None:
    """The first words merge into one history, as the n-gram cannot tell them apart: both readings must survive."""
    log_probs = np.concatenate(
        [between(hear("N AA T -"), hear("AA AA S -"), 0.6), hear("AA - AA - AA - AA"), hear("T UW")]
    )
    texts = [one.text for one in decoder(lexicon, arpa=arpa).decode(log_probs, 9.0, 100, 5)]
    assert texts[0].startswith("nut a a")
    assert len(texts) == len(set(texts)) == 5
    assert any(text.startswith("us a a") for text in texts)


def test_a_hotword_changes_a_confusable_word(lexicon: Lexicon) -> None:
    log_probs = between(hear("S AA N"), hear("N AA T"), 0.7)
    assert best(decoder(lexicon), log_probs) == "sun"
    assert best(decoder(lexicon, RecognizerSettings(hotwords=("Nut",), hotword_weight=8.0)), log_probs) == "nut"


def test_a_phrase_counts_only_in_full(lexicon: Lexicon) -> None:
    phrase = RecognizerSettings(lm_weight=0.0, word_score=0.0, hotwords=("too son",), hotword_weight=4.0)
    made = decoder(lexicon, phrase)
    assert best(made, hear("T UW - S AA N")) == "too son"
    for sounds in ("T UW - AA S", "T UW"):
        begun = made.decode(hear(sounds), 9.0, 100, 1)[0]
        plain = decoder(lexicon, RecognizerSettings(lm_weight=0.0, word_score=0.0)).decode(hear(sounds), 9.0, 100, 1)[0]
        assert begun.score == pytest.approx(plain.score)


def test_a_hotword_that_the_lexicon_lacks_is_said_as_the_speller_guesses(lexicon: Lexicon) -> None:
    spelled = {"noon": [bytes([4, 5, 4])]}
    made = decoder(
        lexicon,
        RecognizerSettings(hotwords=("Noon", "zzz", "sun noon", " ")),
        speller=lambda word: spelled.get(word, ()),
    )
    assert made.unspellable_hotwords == ("zzz", " ")
    assert best(made, hear("N UW N")) == "noon"
    assert best(made, hear("S AA N - N UW N")) == "sun noon"
    made.configure(PLAIN)
    assert made.unspellable_hotwords == ()
    assert best(made, hear("N UW N")) != "noon"


def test_a_hotword_is_said_like_the_words_of_its_hint(lexicon: Lexicon) -> None:
    made = decoder(lexicon, RecognizerSettings(hotwords=("Xqz = us two", "nut = sun"), hotword_weight=8.0))
    assert made.unspellable_hotwords == ()
    assert best(made, hear("AA S T UW")) == "xqz"
    assert best(made, hear("S AA N")) == "nut", "a word of the lexicon may have another pronunciation"
    assert best(made, hear("N AA T")) == "nut", "and keeps its own"
    assert decoder(lexicon, RecognizerSettings(hotwords=("Xqz = qqq",))).unspellable_hotwords == ("Xqz = qqq",)


def test_the_hint_of_a_phrase_goes_word_by_word(lexicon: Lexicon) -> None:
    made = decoder(lexicon, RecognizerSettings(hotwords=("Xqz nut = us sun",), hotword_weight=8.0))
    assert best(made, hear("AA S - S AA N")) == "xqz nut"
    vague = decoder(lexicon, RecognizerSettings(hotwords=("Xqz nut = us",)))
    assert vague.unspellable_hotwords == ("Xqz nut = us",)


def test_initials_may_be_said_letter_by_letter(lexicon: Lexicon) -> None:
    letters = lexicon.with_words({"n": [bytes([1, 4])], "u": [bytes([5])]})
    assert decoder(letters, RecognizerSettings(hotwords=("NNU",))).unspellable_hotwords == ()
    assert best(decoder(letters, RecognizerSettings(hotwords=("NNU",))), hear("AA N - AA N - UW")) == "nnu"
    assert decoder(letters, RecognizerSettings(hotwords=("nnu", "NNUNNU"))).unspellable_hotwords == ("nnu", "NNUNNU")


def test_a_personal_model_brings_its_words(lexicon: Lexicon, arpa: Path, tmp_path: Path) -> None:
    personal = tmp_path / "mine.arpa"
    personal.write_text(ARPA.replace("sun", "noon").replace("two son", "noon us"), encoding="utf-8")
    made = decoder(
        lexicon,
        arpa=arpa,
        mixed=load_ngrams(personal, None),
        personal_words=("noon", "us", "zzz"),
        speller=lambda word: [bytes([4, 5, 4])] if word == "noon" else [],
    )
    assert "noon" not in best(made, hear("N UW N - AA S"))
    made.configure(RecognizerSettings(lm_weight=0.5, word_score=0.0, personal_model="mine"))
    assert best(made, hear("N UW N - AA S")) == "noon us"


def test_configure_comes_first(lexicon: Lexicon) -> None:
    with pytest.raises(RuntimeError, match="configure"):
        LexiconDecoder(LABELS, lexicon, (FRAME_S, 0.0)).decode(hear("AA"), 1.0, 10, 1)


def test_a_search_can_be_left(lexicon: Lexicon) -> None:
    calls = []

    def checkpoint() -> None:
        calls.append(None)
        if len(calls) == 4:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        decoder(lexicon).decode(hear("S AA N - " * 50), 9.0, 10, 1, checkpoint)
    assert len(calls) == 4


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_nothing_but_blank_gives_no_words(frames: int, lexicon: Lexicon, arpa: Path) -> None:
    for made in (decoder(lexicon), decoder(lexicon, arpa=arpa)):
        assert made.decode(hear("- " * frames), 1.0, 50, 5)[0].words == ()


LOGITS = st.integers(1, 6).flatmap(
    lambda frames: arrays(np.float32, (frames, len(LABELS)), elements=st.floats(-6, 6, width=32))
)
THOROUGH = {"beam_prune_logp": -100.0, "token_min_logp": -30.0}


def ctc_score(log_probs: np.ndarray, labels: list[int]) -> float:
    """The best path's log-probability, by the textbook recursion over labels with blanks between."""
    states = [0]
    for label in labels:
        states += [label, 0]
    best_to = np.full(len(states), -np.inf)
    best_to[: min(2, len(states))] = log_probs[0, states[:2]]
    for row in log_probs[1:]:
        before = best_to.copy()
        for at in range(len(states)):
            came = max(before[max(0, at - 1) : at + 1])
            if at > 1 and states[at] != 0 and states[at] != states[at - 2]:
                came = max(came, before[at - 2])
            best_to[at] = came + row[states[at]]
    return float(max(best_to[-2:]))


def normalise(logits: np.ndarray) -> np.ndarray:
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


FEW = """sun S AA N
us AA S
a AA
two T UW
too T UW
"""


def count_phrase(words: tuple[str, ...], phrase: tuple[str, ...]) -> int:
    return sum(words[at : at + len(phrase)] == phrase for at in range(len(words)))


@settings(max_examples=40)
@given(logits=LOGITS, word_score=st.floats(-2, 2), hotword=st.sampled_from([(), ("us",), ("two", "us")]))
def test_a_thorough_search_finds_what_trying_everything_finds(
    few: Lexicon, logits: np.ndarray, word_score: float, hotword: tuple[str, ...]
) -> None:
    log_probs = normalise(logits)
    weights = {"word_score": word_score, "hotwords": (" ".join(hotword),) if hotword else (), "hotword_weight": 1.5}
    (found,) = decoder(few, RecognizerSettings(**weights, **THOROUGH)).decode(log_probs, 9.0, 2000, 1)
    ways: dict[tuple[str, ...], float] = {}
    for count in range(4):
        for said in itertools.product(few.spoken, repeat=count):
            labels = [label for word in said for label in few.sounds[word]]
            words = tuple(few.words[word] for word in said)
            if len(labels) <= len(log_probs):
                gain = word_score * count + 1.5 * len(hotword) * (count_phrase(words, hotword) if hotword else 0)
                ways[words] = ctc_score(log_probs.astype(float), labels) + gain
    assert found.score >= max(ways.values()) - 1e-4
    if len(found.words) < 4:
        assert ways[tuple(word.text for word in found.words)] == pytest.approx(found.score, abs=1e-4)


@settings(max_examples=60)
@given(
    logits=LOGITS,
    beam_width=st.integers(1, 30),
    n_best=st.integers(1, 5),
    hotwords=st.sampled_from([(), ("us",), ("two us", "a")]),
    is_speaking=st.booleans(),
)
def test_every_result_is_well_formed(
    lexicon: Lexicon, arpa: Path, logits: np.ndarray, beam_width: int, n_best: int, hotwords: tuple[str, ...],
    is_speaking: bool,
) -> None:  # fmt: skip
    log_probs = normalise(logits)
    audio_s = len(logits) * FRAME_S - 0.01
    made = decoder(lexicon, RecognizerSettings(hotwords=hotwords), arpa if is_speaking else None)
    found = made.decode(log_probs, audio_s, beam_width, n_best)
    assert made.decode(log_probs, audio_s, beam_width, n_best) == found
    assert 1 <= len(found) <= n_best
    others = [one.score for one in found[1:]]  # the first may have been voted for
    assert others == sorted(others, reverse=True)
    if n_best > 1:
        assert max(one.score for one in found) == made.decode(log_probs, audio_s, beam_width, 1)[0].score
    assert len({one.text for one in found}) == len(found)
    for one in found:
        check_words(one, lexicon, audio_s)


def check_words(one: Hypothesis, lexicon: Lexicon, audio_s: float) -> None:
    borders = [border for word in one.words for border in (word.start_s, word.end_s)]
    assert borders == sorted(borders)
    assert all(0 <= border <= audio_s for border in borders)
    assert all(word.start_s < word.end_s for word in one.words)
    assert all(0 < word.confidence <= 1 for word in one.words)
    assert {word.text for word in one.words} <= set(lexicon.words)


@settings(max_examples=40)
@given(logits=LOGITS, hotword=st.sampled_from(["us", "two us", "sun", "a a"]))
def test_a_hotword_never_lowers_the_best_score(lexicon: Lexicon, arpa: Path, logits: np.ndarray, hotword: str) -> None:
    log_probs = normalise(logits)
    without = decoder(lexicon, RecognizerSettings(**THOROUGH), arpa).decode(log_probs, 9.0, 2000, 1)[0]
    favoured = RecognizerSettings(hotwords=(hotword,), **THOROUGH)
    assert decoder(lexicon, favoured, arpa).decode(log_probs, 9.0, 2000, 1)[0].score >= without.score - 1e-6
