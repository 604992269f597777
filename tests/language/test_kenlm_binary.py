"""Binaries made here against KenLM's own reading of the ARPA text: scores, lengths, states; and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import kenlm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.language.arpa import write_arpa
from dictation.language.kenlm_binary import CannotPack, write_binary
from dictation.language.mixture import open_kenlm
from dictation.language.ngram import NgramOptions, encode, estimate
from tests.support.arpa import arpa

Gram = tuple[str, ...]

SENTENCES = st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7), min_size=1, max_size=12)
ASKED = st.lists(st.lists(st.sampled_from([*"abcdez", "<unk>", "<s>", "</s>"]), max_size=9), min_size=1, max_size=8)
SMALL = arpa(
    {"</s>": (-1.0,), "<s>": (-99, -0.3), "<unk>": (-2.0,), "ba": (-1.0, -0.3), "ab": (-1.0, -0.3)},
    {"<s> ba": -0.3, "ba ab": -0.1},
)
ON_EACH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def pack(path: Path) -> Path:
    target = path.with_suffix(".bin")
    write_binary(path, target, lambda _: None)
    return target


def text_of(grams: Sequence[Mapping[Gram, str]]) -> str:
    """ARPA text from, by length, the words of each n-gram and its numbers: probability and perhaps back-off."""
    lines = ["\\data\\", *(f"ngram {length}={len(level)}" for length, level in enumerate(grams, 1))]
    for length, level in enumerate(grams, 1):
        lines += ["", f"\\{length}-grams:"]
        for words, numbers in level.items():
            prob, *backoff = numbers.split()
            lines.append("\t".join([prob, " ".join(words), *backoff]))
    return "\n".join([*lines, "", "\\end\\", ""])


def assert_same(one: Any, other: Any, sentences: Iterable[Sequence[str]]) -> None:
    """Exactly equal scores, lengths of n-grams, unknown words and states, word by word."""
    assert one.order == other.order
    for sentence in sentences:
        text = " ".join(sentence)
        for bos, eos in product((False, True), repeat=2):
            assert list(one.full_scores(text, bos, eos)) == list(other.full_scores(text, bos, eos))
        for begin in ("BeginSentenceWrite", "NullContextWrite"):
            state, other_state = kenlm.State(), kenlm.State()
            getattr(one, begin)(state)
            getattr(other, begin)(other_state)
            assert state == other_state
            for word in sentence:
                following, other_following = kenlm.State(), kenlm.State()
                assert (word in one) == (word in other)
                assert one.BaseScore(state, word, following) == other.BaseScore(other_state, word, other_following)
                assert following == other_following
                state, other_state = following, other_following


@ON_EACH
@given(
    sentences=SENTENCES,
    order=st.integers(2, 5),
    prune=st.sampled_from([(0,), (0, 0, 1), (0, 1), (0, 1, 2), (0, 9)]),
    asked=ASKED,
)
def test_our_own_models_score_the_same(
    sentences: list[list[str]], order: int, prune: tuple[int, ...], asked: list[list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "model.arpa"
    write_arpa(estimate(encode(sentences), NgramOptions(order, prune[:order]), lambda: None), path, lambda: None)
    assert_same(open_kenlm(path), open_kenlm(pack(path)), [*asked, *sentences])


@st.composite
def torn_models(draw: st.DrawFn) -> tuple[str, list[list[str]]]:
    """Models that lack endings of their n-grams, as entropy pruning leaves them, and the sentences they come from."""
    sentences = draw(SENTENCES)
    order = draw(st.integers(2, 6))
    odd = draw(st.randoms(use_true_random=False))
    grams: list[dict[Gram, str]] = [{} for _ in range(order)]
    for sentence in sentences:
        words = ("<s>", *sentence, "</s>")
        for start in range(len(words)):
            for end in range(start + 1, min(start + order, len(words)) + 1):
                grams[end - start - 1][words[start:end]] = ""
    grams[0] |= dict.fromkeys([("<s>",), ("</s>",), *draw(st.sampled_from([[], [("<unk>",)], [("<UNK>",)]]))], "")
    keep = draw(st.sampled_from([0.5, 0.8, 0.95]))
    needed: set[Gram] = set()
    for length in range(order, 0, -1):
        level = grams[length - 1]
        for words in list(level):
            if length > 1 and words not in needed and odd.random() > keep:
                del level[words]
                continue
            needed.add(words[:-1])
            backoff = odd.choice(["", "0", "-0.25", f"{-odd.random():.6f}", "0.125"]) if length < order else ""
            level[words] = f"{-odd.choice([0.0, 3 * odd.random()]):.6f} {backoff}"
    return text_of(grams), sentences


@ON_EACH
@given(torn=torn_models(), asked=ASKED)
def test_models_without_the_endings_of_their_ngrams(
    torn: tuple[str, list[list[str]]], asked: list[list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "torn.arpa"
    path.write_text(torn[0])
    try:
        theirs = open_kenlm(path)
    except OSError:  # its table has no room for what is put in
        with pytest.raises(CannotPack, match="too many"):
            pack(path)
        return
    assert_same(theirs, open_kenlm(pack(path)), [*asked, *torn[1]])


def test_a_last_word_that_no_pair_ends_with(tmp_path: Path) -> None:
    """The word itself must tell that longer n-grams end with it, or they are not looked for."""
    words = {("<s>",): "-99 -0.1", ("</s>",): "-1", ("<unk>",): "-2"} | {(word,): "-1 -0.5" for word in "ab"}
    twos = {(*pair,): "-0.5 -0.25" for pair in ("aa", "ab", "ba", "bb")}
    path = tmp_path / "model.arpa"
    path.write_text(text_of([words, twos, {("a", "b", "</s>"): "-0.125"}]))
    model = open_kenlm(pack(path))
    assert_same(open_kenlm(path), model, product("ab", repeat=3))
    assert list(model.full_scores("a b", bos=False))[-1] == (-0.125, 3, False)


def chained(*fours: str) -> str:
    """A model of these 4-grams, without the 3-gram "a b c"."""
    words = {("<s>",): "-99 0", ("</s>",): "-1", ("<unk>",): "-2"} | {(word,): "-1 -0.5" for word in "xabcd"}
    twos = {("x", "a"): "-0.5 -0.1", ("a", "b"): "-0.6 -0.2", ("b", "c"): "-0.7 -0.3", ("c", "d"): "-0.4"}
    threes = {("x", "a", "b"): "-0.3 -0.1", ("b", "c", "d"): "-0.2"}
    twos |= {("d", word): "-0.8" for word in "xab"}  # they make room in the tables
    threes |= {("c", "d", word): "-0.9" for word in "xab"}
    return text_of([words, twos, threes, {tuple(words): "-0.01" for words in fours}])


def test_a_context_that_was_put_in(tmp_path: Path) -> None:
    """What is put in for "x a b c" is the context of "a b c d". KenLM wants them in this order; we do not."""
    good, bad = tmp_path / "good.arpa", tmp_path / "bad.arpa"
    good.write_text(chained("xabc", "abcd"))
    bad.write_text(chained("abcd", "xabc"))
    with pytest.raises(OSError, match="context of every 4-gram"):
        open_kenlm(bad)
    asked = [*product("xabcd", repeat=4), tuple("xabcd"), tuple("dxabcd")]
    assert_same(open_kenlm(good), open_kenlm(pack(good)), asked)
    assert pack(bad).read_bytes() == pack(good).read_bytes()


WORDS = ["é", "größe", "日本語", "naïveté", "x" * 8, "y" * 16, "a-word-of-25-bytes-length"]


@pytest.mark.parametrize("unknown", [{"<unk>": (-2.0, -0.5)}, {"<UNK>": (-2.5,)}, {}])
@pytest.mark.parametrize("is_first", [False, True])
def test_words_of_any_letters_with_and_without_the_unknown_one(
    unknown: dict[str, tuple[float, ...]], is_first: bool, tmp_path: Path
) -> None:
    marks = {"<s>": (0, -0.3), "</s>": (-1.25,)}
    words = {word: (-1 - place / 8, -place / 16) for place, word in enumerate(WORDS)}
    bigrams = {f"{one} {other}": -0.5 - place / 32 for place, (one, other) in enumerate(product(WORDS, WORDS))}
    bigrams |= {"<s> é": -0.1, "é </s>": -0.2} | ({"é <unk>": -0.7} if unknown else {})
    path = tmp_path / "model.arpa"
    unigrams = {**unknown, **marks, **words} if is_first else {**words, **marks, **unknown}
    path.write_text(arpa(unigrams, bigrams), encoding="utf-8")
    made = pack(path)
    asked = [["nobody", *pair, "é", "nobody"] for pair in product(WORDS, WORDS)]
    assert_same(open_kenlm(path), open_kenlm(made), [*asked, [*WORDS, "<unk>", "<UNK>", "é"], ["<s>", "</s>"]])
    listed = made.read_bytes()
    listed = listed[listed.rindex(b"<unk>\0") :]
    in_order = ["<unk>", *marks, *WORDS] if is_first else ["<unk>", *WORDS, *marks]
    assert listed == "".join(f"{word}\0" for word in in_order).encode()


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: f"\n# made by hand\n\n{text}\n\n",
        lambda text: text.replace("-0.1\tba ab", "-0.1\tba ab\t0"),
        lambda text: text.replace("-0.1\tba ab", "-1e-1\tba  ab"),
        lambda text: text.replace("ngram 2=2", "ngram 2=3").replace("ba ab", "ba ab\n-0.5\tab <unk>"),
    ],
)
def test_spellings_that_kenlm_reads(write: Callable[[str], str], tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(write(SMALL), newline="")
    assert_same(open_kenlm(path), open_kenlm(pack(path)), [["ba", "ab", "oh", "ba", "ba"], ["ab"], []])


def test_an_unlisted_unknown_word_in_an_ngram(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(SMALL.replace("-2.0\t<unk>\n", "").replace("ngram 1=5", "ngram 1=4").replace("ba ab", "ba <unk>"))
    assert_same(open_kenlm(path), open_kenlm(pack(path)), product(["ba", "ab", "oh"], repeat=3))


def test_many_blocks_and_the_same_bytes_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [[f"w{number * step % 97}" for number in range(2, 20)] for step in range(1, 60)]
    path = tmp_path / "model.arpa"
    write_arpa(estimate(encode(sentences), NgramOptions(4), lambda: None), path, lambda: None)
    made = pack(path)
    first = made.read_bytes()
    monkeypatch.setattr("dictation.language.kenlm_binary._LINES_PER_BLOCK", 3)
    assert pack(path).read_bytes() == first
    assert_same(open_kenlm(path), open_kenlm(made), sentences)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda _: "", "does not start as ARPA text does"),
        (lambda _: "some words\n", "does not start as ARPA text does"),
        (lambda t: t.replace("ngram 2", "ngram 3"), "its head is damaged"),
        (lambda t: t.replace("ngram 2=2\n", ""), "its order is 1, not 2 to 6"),
        (lambda t: t.replace("ngram 2=2", "\n".join(f"ngram {n}=1" for n in range(2, 8))), "its order is 7"),
        (lambda t: t.replace("ngram 1=5", "ngram 1=6"), "truncated or damaged among its 1-grams"),
        (lambda t: t.replace("ngram 1=5", "ngram 1=4"), r"it lacks the line \\2-grams:"),
        (lambda t: t.replace("ngram 2=2", "ngram 2=1"), r"it lacks the line \\end"),
        (lambda t: t[: t.index("ba ab")], "truncated or damaged among its 2-grams"),
        (lambda t: t.replace("\\end\\\n", ""), r"it lacks the line \\end"),
        (lambda t: t + "more\n", "there is text behind its end"),
        (lambda t: t.replace("-0.1\tba ab", "-0.1\tba"), "truncated or damaged among its 2-grams"),
        (lambda t: t.replace("-0.1\tba ab", "-0.1\tba oh"), "its single words lack b'oh'"),
        (lambda t: t.replace("-0.1\tba ab", "-0.1\t<s> ba"), "an n-gram is listed twice"),
        (lambda t: t.replace("-0.1\tba ab", "0.1\tba ab"), "a probability is above 1"),
        (lambda t: t.replace("-0.1\tba ab", "nan\tba ab"), "a number is not finite"),
        (lambda t: t.replace("-0.1\tba ab", "-1e39\tba ab"), "a number is not finite"),
        (lambda t: t.replace("-0.1\tba ab", "x\tba ab"), "where a number belongs"),
        (lambda t: t.replace("-0.1\tba ab", "-0.1\tba ab\t-0.1"), "a longest n-gram has a back-off weight"),
        (lambda t: t.replace("\tab\t", "\tba\t"), "a word is listed twice"),
        (lambda t: t.replace("\tab\t", "\t<UNK>\t"), "a word is listed twice"),
        (lambda t: t.replace("\tab\t", "\ta\0b\t"), "a word holds a zero byte"),
        (lambda t: t.replace("</s>", "</S>"), "does not list the start and the end of a sentence"),
        (
            lambda t: t.replace("=2\n", "=2\nngram 3=1\n").replace("\\end", "\\3-grams:\n-1\tab ba ab\n\\end"),
            "an n-gram of 3 words lacks the one without its last word",
        ),
    ],
)
def test_what_cannot_be_packed_is_named_and_leaves_nothing(
    spoil: Callable[[str], str], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(spoil(SMALL))
    with pytest.raises(CannotPack, match=said):
        pack(path)
    assert list(tmp_path.iterdir()) == [path]


def test_models_that_would_need_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.arpa"
    path.write_text(SMALL)
    monkeypatch.setattr("dictation.language.kenlm_binary.MOST_NGRAMS", 6)
    with pytest.raises(CannotPack, match="it has 7 n-grams, more than 6"):
        pack(path)
    assert list(tmp_path.iterdir()) == [path]


def test_every_step_can_be_cancelled_and_the_share_never_falls(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    path, target = tmp_path / "model.arpa", tmp_path / "model.bin"
    path.write_text(SMALL)
    shares: list[float] = []
    write_binary(path, target, shares.append)
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (pytest.approx(0.2, abs=0.2), 1.0)
    assert len(shares) >= 5
    for allowed in range(len(shares)):
        left = allowed

        def stop(_: float) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StopError

        with pytest.raises(StopError):
            write_binary(path, target, stop)
        assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    with pytest.raises(FileNotFoundError):
        pack(path)
    path.write_text(SMALL)
    with pytest.raises(FileNotFoundError):
        write_binary(path, tmp_path / "nowhere" / "model.bin", lambda _: None)
