"""One n-gram model and two mixed: probabilities, vocabularies, states, and what is damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import kenlm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dictation.asr.ngrams import MixedModel, NgramSource, PersonalFiles, SingleModel, load_ngrams, mix_in
from dictation.core.errors import ModelDamaged, PersonalModelMissing
from dictation.language.arpa import write_arpa
from dictation.language.ngram import NgramOptions, encode, estimate

GENERAL = ["the cat sat on the mat", "the dog sat on the cat", "a dog ran"]
PERSONAL = ["the plasma sat on the divertor", "a plasma ran hot"]
GENERAL_WORDS = {"the", "cat", "sat", "on", "mat", "dog", "a", "ran"}
PERSONAL_WORDS = {"the", "plasma", "sat", "on", "divertor", "a", "ran", "hot"}


def write_model(path: Path, sentences: list[str], order: int) -> Path:
    encoded = encode(sentence.split() for sentence in sentences)
    write_arpa(estimate(encoded, NgramOptions(order), lambda: None), path, lambda: None)
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("ngrams")
    return write_model(folder / "general.arpa", GENERAL, 3), write_model(folder / "personal.arpa", PERSONAL, 2)


def files(path: Path, weight: float = 0.3, letters: str = "abc") -> PersonalFiles:
    words = path.with_suffix(".txt")
    words.write_text("\n".join(sorted(PERSONAL_WORDS)))
    return PersonalFiles("mine", path, words, weight, letters)


def total(source: NgramSource, words: list[str]) -> list[float]:
    """Log10 probability of each word and of the end."""
    state, found = source.start(), []
    for word in words:
        log10_prob, state = source.score(state, word)
        found.append(log10_prob)
    return [*found, source.score_end(state)]


def kenlm_scores(path: Path, words: list[str]) -> list[float]:
    return [score for score, _, _ in kenlm.Model(str(path)).full_scores(" ".join(words))]


def test_one_model_scores_as_kenlm_does(models: tuple[Path, Path]) -> None:
    source = load_ngrams(models[0], None)
    words = ["the", "dog", "sat", "on", "the", "unheard", "mat"]
    assert total(source, words) == pytest.approx(kenlm_scores(models[0], words))
    assert source.order == 3
    assert {word for word in GENERAL_WORDS | PERSONAL_WORDS if source.knows(word)} == GENERAL_WORDS


SENTENCES = st.lists(st.sampled_from(sorted(GENERAL_WORDS | PERSONAL_WORDS | {"unheard"})), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=SENTENCES, weight=st.floats(0.01, 0.99))
def test_the_mixture_is_linear_in_probability(models: tuple[Path, Path], words: list[str], weight: float) -> None:
    """Against KenLM's own scores of both models over the whole sentence: the states are handed on rightly too."""
    general, personal = (load_ngrams(path, None) for path in models)
    wanted = []
    rows = zip([*words, "</s>"], kenlm_scores(models[0], words), kenlm_scores(models[1], words), strict=True)
    for word, one, other in rows:
        known_by = (word in GENERAL_WORDS | {"</s>"}, word in PERSONAL_WORDS | {"</s>"})
        share = (1 - weight) * 10**one * (known_by[0] or not known_by[1]) + weight * 10**other * known_by[1]
        wanted.append(share)
    found = [10**log10_prob for log10_prob in total(MixedModel(general, personal, weight), words)]
    assert found == pytest.approx(wanted, rel=1e-5)


def test_the_mixture_sums_to_one_over_both_vocabularies(models: tuple[Path, Path]) -> None:
    """Both models' unknown words together are what is left over."""
    general, personal = (load_ngrams(path, None) for path in models)
    mixed = MixedModel(general, personal, 0.3)
    state = mixed.score(mixed.start(), "the")[1]
    known = sum(10 ** mixed.score(state, word)[0] for word in GENERAL_WORDS | PERSONAL_WORDS)
    unknown = 0.7 * 10 ** general.score(state[0], "<unk>")[0] + 0.3 * 10 ** personal.score(state[1], "<unk>")[0]
    assert known + 10 ** mixed.score_end(state) + unknown == pytest.approx(1.0, abs=1e-5)


def test_both_vocabularies_are_known(models: tuple[Path, Path]) -> None:
    mixed = mix_in(load_ngrams(models[0], None), files(models[1]), "abc")
    assert all(mixed.knows(word) for word in GENERAL_WORDS | PERSONAL_WORDS)
    assert not mixed.knows("unheard")
    assert mixed.starts_word("div")
    assert mixed.starts_word("ma")
    assert not mixed.starts_word("unh")
    assert mixed.order == 3


def test_a_personal_word_is_likelier_than_by_the_general_model_alone(models: tuple[Path, Path]) -> None:
    general = load_ngrams(models[0], None)
    mixed = mix_in(general, files(models[1]), "abc")
    assert total(mixed, ["the", "plasma"])[1] > total(general, ["the", "plasma"])[1]


def test_without_a_list_of_the_general_words_beginnings_are_all_alike(models: tuple[Path, Path]) -> None:
    general = SingleModel(kenlm.Model(str(models[0])), None)
    assert not MixedModel(general, load_ngrams(models[1], None), 0.3).starts_word("plas")
    assert general.knows("cat")


def test_a_model_of_upper_case_words_mixes_with_lower_case_ones(models: tuple[Path, Path], tmp_path: Path) -> None:
    upper = write_model(tmp_path / "upper.arpa", [sentence.upper() for sentence in GENERAL], 3)
    mixed = mix_in(load_ngrams(upper, None), files(models[1]), "abc")
    plain = mix_in(load_ngrams(models[0], None), files(models[1]), "abc")
    words = ["the", "dog", "sat", "on", "the", "plasma"]
    assert total(mixed, words) == pytest.approx(total(plain, words))
    assert all(mixed.starts_word(prefix) for prefix in ("ca", "plas"))


def test_alone_where_there_is_no_general_model(models: tuple[Path, Path]) -> None:
    alone = mix_in(None, files(models[1]), "abc")
    words = ["the", "plasma"]
    assert total(alone, words) == pytest.approx(kenlm_scores(models[1], words))


def test_one_that_was_built_to_stand_alone_does_not_silence_a_general_model(models: tuple[Path, Path]) -> None:
    alone = replace(files(models[1]), weight=1.0)
    with pytest.raises(PersonalModelMissing, match="without a language model") as refusal:
        mix_in(load_ngrams(models[0], None), alone, "abc")
    assert "Build it again" in refusal.value.remedy
    assert mix_in(None, alone, "abc").knows("plasma")


def test_other_letters_are_refused(models: tuple[Path, Path]) -> None:
    with pytest.raises(PersonalModelMissing, match="other letters"):
        mix_in(None, files(models[1], letters="abcä"), "abc")


def test_damaged_files_are_named(models: tuple[Path, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.arpa"
    cut.write_bytes(models[1].read_bytes()[:-60])
    with pytest.raises(PersonalModelMissing, match=r"mine is damaged.*cut\.arpa"):
        mix_in(None, files(cut), "abc")
    with pytest.raises(ModelDamaged, match=r"cut\.arpa is not a language model"):
        load_ngrams(cut, None)
