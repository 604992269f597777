"""Estimates against probabilities computed from the definition, one at a time; and all of them sum to one."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.language.arpa import write_arpa
from dictation.language.mixture import open_kenlm, word_probabilities
from dictation.language.ngram import NgramOptions, encode, estimate, probabilities

Sentences = list[list[str]]
Gram = tuple[str, ...]

SENTENCES = st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=7), min_size=1, max_size=12)
ORDERS = st.integers(2, 5)
PRUNES = st.sampled_from([(0,), (0, 0, 1), (0, 1), (0, 1, 2)])


class Reference:
    """Modified Kneser-Ney by the definition: dictionaries, no arrays, nothing shared with the code under test."""

    def __init__(self, sentences: Sentences, order: int, prune: Gram | tuple[int, ...] = (0,)) -> None:
        padded = [("<s>", *sentence, "</s>") for sentence in sentences]
        self.words = [*sorted({word for sentence in padded for word in sentence} - {"<s>"}), "<unk>"]
        self.raw: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
        for sentence in padded:
            for length in range(1, order + 1):
                for end in range(length, len(sentence) + 1):
                    self.raw[length][sentence[end - length : end]] += 1
        del self.raw[1][("<s>",)]
        self.top = max(length for length in range(1, order + 1) if self.raw[length])
        self.prune = prune
        self.adjusted = [self._adjust(length) for length in range(self.top + 1)]
        self.discounts = [self._discount(Counter(counts.values())) for counts in self.adjusted]

    def _adjust(self, length: int) -> dict[Gram, int]:
        if length in (0, self.top):
            return dict(self.raw[length])
        left = Counter(gram[1:] for gram in self.raw[length + 1])
        return {gram: raw if gram[0] == "<s>" else left[gram] for gram, raw in self.raw[length].items()}

    @staticmethod
    def _discount(seen: Counter[int]) -> tuple[float, float, float]:
        one, two, three, four = (seen[count] for count in (1, 2, 3, 4))
        if not (one and two and three and four):
            return (0.5, 1.0, 1.5)
        y = one / (one + 2 * two)
        found = (1 - 2 * y * two / one, 2 - 3 * y * three / two, 3 - 4 * y * four / three)
        return found if all(0 < d < k for k, d in enumerate(found, 1)) else (0.5, 1.0, 1.5)

    def prob(self, context: Gram, word: str) -> float:
        length = len(context) + 1
        if length > self.top:
            return self.prob(context[1:], word)
        lower = self.prob(context[1:], word) if context else 1 / len(self.words)
        following = {gram: count for gram, count in self.adjusted[length].items() if gram[:-1] == context}
        total = sum(following.values())
        if not total:
            return lower
        own = left = 0.0
        for gram, count in following.items():
            threshold = self.prune[min(length, len(self.prune)) - 1]
            discount = self.discounts[length][min(count, 3) - 1]
            if length > 1 and self.raw[length][gram] <= threshold:
                left += count
                continue
            left += discount
            if gram[-1] == word:
                own = count - discount
        return own / total + left / total * lower


def kenlm_prob(model: object, context: Gram, word: str) -> float:
    import kenlm

    state, following = kenlm.State(), kenlm.State()
    if context[:1] == ("<s>",):
        model.BeginSentenceWrite(state)
        context = context[1:]
    else:
        model.NullContextWrite(state)
    for before in context:
        model.BaseScore(state, before, following)
        state, following = following, state
    return 10.0 ** model.BaseScore(state, word, following)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sentences=SENTENCES, order=ORDERS, prune=PRUNES, data=st.data())
def test_kenlm_reads_the_probabilities_of_the_definition(
    sentences: Sentences, order: int, prune: tuple[int, ...], data: st.DataObject, tmp_path: Path
) -> None:
    prune = prune[:order]
    path = tmp_path / "model.arpa"
    write_arpa(estimate(encode(sentences), NgramOptions(order, prune), lambda: None), path, lambda: None)
    model, reference = open_kenlm(path), Reference(sentences, order, prune)
    contexts = [(), ("<s>",), *product("abcde", repeat=2)]
    seen = [
        ("<s>", *sentence)[end - length : end]
        for sentence in sentences
        for end in range(1, len(sentence) + 2)
        for length in range(1, min(end, order - 1) + 1)
    ]
    for context in data.draw(st.lists(st.sampled_from(contexts + seen), min_size=1, max_size=6)):
        found = {word: kenlm_prob(model, context, word) for word in reference.words}
        assert sum(found.values()) == pytest.approx(1.0, abs=2e-6)
        wanted = {word: reference.prob(context[-(order - 1) :], word) for word in reference.words}
        assert found == pytest.approx(wanted, rel=1e-5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sentences=SENTENCES,
    order=ORDERS,
    prune=PRUNES,
    others=st.lists(st.lists(st.sampled_from([*"abcdez", "<unk>"]), max_size=7), max_size=5),
)
def test_the_probabilities_of_other_sentences_are_kenlms(
    sentences: Sentences, order: int, prune: tuple[int, ...], others: Sentences, tmp_path: Path
) -> None:
    model = estimate(encode(sentences), NgramOptions(order, prune[:order]), lambda: None)
    write_arpa(model, tmp_path / "model.arpa", lambda: None)
    wanted = word_probabilities(open_kenlm(tmp_path / "model.arpa"), others, lambda: None)
    assert probabilities(model, others) == pytest.approx(wanted, rel=1e-5)


def test_discounts_come_from_the_text_once_it_is_large_enough() -> None:
    """Zipf-like counts have n1 to n4; the fallback's discounts would give other numbers."""
    sentences = [[f"w{place}"] for place in range(60) for _ in range(60 // (place + 1))]
    reference = Reference(sentences, 2)
    assert reference.discounts[2] != (0.5, 1.0, 1.5)
    model = estimate(encode(sentences), NgramOptions(2), lambda: None)
    bigrams = zip(model.levels[1].last_words, model.levels[1].log10_probs, strict=True)
    found = {model.words[word]: 10**log10_prob for word, log10_prob in bigrams}
    assert found["w0"] == pytest.approx(reference.prob(("<s>",), "w0"))
    assert found["w40"] == pytest.approx(reference.prob(("<s>",), "w40"))


def test_words_without_letters_are_an_unknown_word_like_any_other() -> None:
    model = estimate(encode([["in", "<unk>", "we"], ["in", "may"]]), NgramOptions(3), lambda: None)
    assert model.words[:3] == ("<unk>", "<s>", "</s>")
    bigrams = {
        (model.words[context], model.words[word])
        for context, word in zip(model.levels[1].contexts, model.levels[1].last_words, strict=True)
    }
    assert ("in", "<unk>") in bigrams
    assert ("in", "we") not in bigrams


def test_a_text_shorter_than_the_order_gives_fewer_levels() -> None:
    assert len(estimate(encode([["a"]]), NgramOptions(5), lambda: None).levels) == 3


def test_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="no sentence"):
        estimate(encode([[]]), NgramOptions(2), lambda: None)


@pytest.mark.parametrize(
    ("order", "prune"), [(1, (0,)), (6, (0,)), (3, ()), (3, (1,)), (3, (0, 2, 1)), (2, (0, 0, 1)), (3, (0, -1))]
)
def test_options_out_of_range_are_refused(order: int, prune: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"order|threshold"):
        NgramOptions(order, prune)


def test_every_step_can_be_cancelled(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    calls = 0

    def count() -> None:
        nonlocal calls
        calls += 1

    text = encode([list("abcab"), list("bca")])
    write_arpa(estimate(text, NgramOptions(3), count), tmp_path / "all.arpa", count)
    assert calls >= 6
    for allowed in range(calls):
        left = allowed

        def stop() -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise StopError

        with pytest.raises(StopError):
            write_arpa(estimate(text, NgramOptions(3), stop), tmp_path / "part.arpa", stop)
