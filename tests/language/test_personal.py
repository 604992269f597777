"""From documents to an installed model: what is reported is true, and what fails leaves nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dictation.core.errors import DocumentUnreadable, PersonalModelError, TooLittleText
from dictation.core.personal import BuildProgress, BuildStage
from dictation.language.arpa import write_arpa
from dictation.language.mixture import open_kenlm
from dictation.language.ngram import NgramOptions, encode, estimate
from dictation.language.personal import BuildCancelled, BuildOptions, GeneralModel, build_personal_model
from dictation.language.store import list_personal_models, open_personal_model
from dictation.language.text import Alphabet

LETTERS = Alphabet(frozenset("abcdefghijklmnopqrstuvwxyz'"))
SUBJECTS, VERBS, OBJECTS = ["the tokamak", "the stellarator", "our plasma"], ["heats", "holds", "needs"], [
    "the divertor", "deuterium", "a strong magnet",
]  # fmt: skip
JARGON = [f"{a} {b} {c} {d}" for a in SUBJECTS for b in VERBS for c in OBJECTS for d in ("now", "today", "again")]


@pytest.fixture
def general(tmp_path: Path) -> GeneralModel:
    """A model of everyday words that has seen the verbs and small words, but none of the jargon."""
    sentences = [f"{a} {b} {c} {d}".split() for a in ("the dog", "our cat", "a strong man") for b in VERBS
                 for c in ("the house", "water", "a friend") for d in ("now", "today", "again")]  # fmt: skip
    write_arpa(
        estimate(encode(sentences), NgramOptions(3), lambda: None), tmp_path / "general.arpa", lambda: None
    )  # fmt: skip
    return GeneralModel("everyday", LETTERS, tmp_path / "general.arpa")


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "fusion.txt"
    path.write_text("\n\n".join(f"{sentence.capitalize()}." for sentence in JARGON), encoding="utf-8")
    return path


def test_what_is_built_and_reported(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    report = build_personal_model((document,), "fusion", general, BuildOptions(held_out=0.3), tmp_path / "models")
    assert (report.sentences, report.words) == (81, sum(len(sentence.split()) for sentence in JARGON))
    known = {"the", "our", "a", "strong", "now", "today", "again", *VERBS}
    words = {word for sentence in JARGON for word in sentence.split()}
    assert report.vocabulary == len(words)
    assert report.new_words == len(words - known)
    assert report.skipped_words == 0
    assert 10 < report.held_out_sentences < 40
    assert report.perplexity_after < report.perplexity_before / 2
    assert report.weight > 0.5
    model = open_personal_model("fusion", tmp_path / "models")
    assert set(model.words_path.read_text().split()) == words
    assert model.description.weight == report.weight
    assert model.description.letters == "'abcdefghijklmnopqrstuvwxyz"
    assert sorted(path.name for path in model.path.iterdir()) == ["model.bin", "personal.toml", "words.txt"]
    kenlm = open_kenlm(model.model_path)
    assert kenlm.order == 3
    assert all(word in kenlm for word in words)
    assert kenlm.score("our plasma needs deuterium now") > kenlm.score("now deuterium needs plasma our")


def test_a_general_model_of_upper_case_words_is_the_same_general_model(
    general: GeneralModel, document: Path, tmp_path: Path
) -> None:
    def as_upper(match: re.Match[str]) -> str:
        return match[0].upper()

    upper = tmp_path / "upper.arpa"
    upper.write_text(re.sub(r"(?<=[\t ])[a-z]+", as_upper, general.path.read_text()))
    options = BuildOptions(held_out=0.3)
    plain, shouted = (
        build_personal_model((document,), "a", replace(general, path=path), options, tmp_path / "models")
        for path in (general.path, upper)
    )
    assert shouted == plain


def test_every_sentence_is_in_the_final_model_also_those_held_out(
    general: GeneralModel, document: Path, tmp_path: Path
) -> None:
    document.write_text("\n\n".join([*JARGON, "an utterly singular hapax appears"]), encoding="utf-8")
    for share in (0.0, 0.5):
        build_personal_model((document,), "all", general, BuildOptions(held_out=share), tmp_path / "models")
        assert "hapax" in open_kenlm(open_personal_model("all", tmp_path / "models").model_path)


def test_no_held_out_text_means_no_perplexity(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    report = build_personal_model((document,), "a", general, BuildOptions(held_out=0.0), tmp_path / "models")
    assert (report.perplexity_before, report.perplexity_after, report.held_out_sentences) == (None, None, 0)
    assert report.weight == 0.5


def test_a_weight_of_the_users_choice(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    best, light = (
        build_personal_model((document,), "a", general, BuildOptions(held_out=0.3, weight=weight), tmp_path / "models")
        for weight in (None, 0.1)
    )
    assert light.weight == 0.1
    assert best.perplexity_after < light.perplexity_after < light.perplexity_before
    untuned = BuildOptions(held_out=0.0, weight=0.1)
    assert build_personal_model((document,), "a", general, untuned, tmp_path / "models").weight == 0.1


def test_a_model_without_a_language_model_of_its_own(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    report = build_personal_model((document,), "a", replace(general, path=None), None, tmp_path / "models")
    assert (report.weight, report.perplexity_before, report.new_words) == (1.0, None, report.vocabulary)
    assert report.perplexity_after is None or report.perplexity_after > 1


def test_other_alphabets(tmp_path: Path) -> None:
    document = tmp_path / "greek.txt"
    document.write_text("Καλημέρα κόσμε. Ὁ κόσμος είναι μεγάλος! " * 9, encoding="utf-8")
    greek = GeneralModel("ελληνικά", Alphabet(frozenset("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")), None)
    report = build_personal_model((document,), "ελ", greek, BuildOptions(held_out=0.0), tmp_path / "models")
    assert report.vocabulary == 6
    assert "κόσμε" in open_kenlm(open_personal_model("ελ", tmp_path / "models").model_path)


def test_numbers_are_counted_as_skipped(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    document.write_text("\n\n".join(f"{sentence} in 2024" for sentence in JARGON), encoding="utf-8")
    report = build_personal_model((document,), "a", general, None, tmp_path / "models")
    assert report.skipped_words == len(JARGON)


def test_an_unreadable_document_among_others_is_named(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    report = build_personal_model((tmp_path / "broken.pdf", document), "a", general, None, tmp_path / "models")
    (problem,) = report.problems
    assert "broken.pdf" in problem
    assert report.sentences == len(JARGON)


def test_an_only_document_that_is_unreadable(general: GeneralModel, tmp_path: Path) -> None:
    with pytest.raises(DocumentUnreadable, match=r"absent\.txt"):
        build_personal_model((tmp_path / "absent.txt",), "a", general, None, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_too_little_text(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    document.write_text("Слова слова. Only four English words.", encoding="utf-8")
    with pytest.raises(TooLittleText, match="only 4 usable words"):
        build_personal_model((document,), "a", general, None, tmp_path / "models")


def test_a_general_model_that_is_none(document: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_bytes(b"junk" * 100)
    with pytest.raises(PersonalModelError, match=r"bad\.bin"):
        build_personal_model((document,), "a", GeneralModel("x", LETTERS, tmp_path / "bad.bin"), None, tmp_path / "m")


def test_progress_rises_to_one_through_all_stages(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    seen: list[BuildProgress] = []
    build_personal_model((document,), "a", general, None, tmp_path / "models", seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [progress.stage for progress in seen if progress.fraction < 1] == list(BuildStage)
    assert seen[0].detail == "fusion.txt"


def is_none(ask: Callable[[], object]) -> bool:
    return ask() is None


def test_cancelled_anywhere_it_leaves_nothing(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    asked = 0

    def count() -> bool:
        nonlocal asked
        asked += 1
        return False

    build_personal_model((document,), "whole", general, None, tmp_path / "models", is_cancelled=count)
    before = {path: path.read_bytes() for path in (tmp_path / "models" / "whole").iterdir()}
    for allowed in range(0, asked, 7):
        left = partial(next, iter(range(allowed)), None)
        with pytest.raises(BuildCancelled):
            build_personal_model(
                (document,), "whole", general, None, tmp_path / "models", is_cancelled=partial(is_none, left)
            )
        assert [path.name for path in (tmp_path / "models").iterdir()] == ["whole"]
        assert {path: path.read_bytes() for path in (tmp_path / "models" / "whole").iterdir()} == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"held_out": 0.6}, "held-out"),
        ({"weight": 0.0}, "weight"),
        ({"weight": 1.0}, "weight"),
        ({"quantise_bits": 8}, "build_binary"),
        ({"quantise_bits": 1, "programs": Path()}, "2 to 16"),
    ],
)
def test_options_out_of_range(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BuildOptions(**options)


def test_a_model_too_large_for_a_binary_stays_text(
    general: GeneralModel, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_personal_model((document,), "packed", general, root=tmp_path / "models")
    monkeypatch.setattr("dictation.language.kenlm_binary.MOST_NGRAMS", 10)
    build_personal_model((document,), "text", general, root=tmp_path / "models")
    packed, text = (open_personal_model(name, tmp_path / "models") for name in ("packed", "text"))
    assert sorted(path.name for path in text.path.iterdir()) == ["model.arpa", "personal.toml", "words.txt"]
    for sentence in JARGON:
        found = open_kenlm(packed.model_path).full_scores(sentence)
        assert list(found) == list(open_kenlm(text.model_path).full_scores(sentence))


def fake_program(folder: Path, code: str) -> Path:
    folder.mkdir()
    program = folder / "build_binary"
    program.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
    program.chmod(0o755)
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="the fake program is a script")
def test_packing_with_kenlms_program(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    """The fake copies the ARPA file and writes its arguments beside it; KenLM tells formats by content, not by name."""
    code = "import shutil\nshutil.copy(*sys.argv[-2:])\nopen(sys.argv[-1] + '.args', 'w').write(repr(sys.argv))"
    options = BuildOptions(programs=fake_program(tmp_path / "bin", code), quantise_bits=8)
    build_personal_model((document,), "packed", general, options, tmp_path / "models")
    model = open_personal_model("packed", tmp_path / "models")
    assert model.model_path.name == "model.bin"
    assert not (model.path / "model.arpa").exists()
    arguments = (model.path / "model.bin.args").read_text()
    assert "'-q', '8', '-b', '8', 'trie'" in arguments


@pytest.mark.skipif(sys.platform == "win32", reason="the fake program is a script")
def test_programs_that_are_absent_or_fail(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    failing = fake_program(tmp_path / "bin", "sys.exit('no space for tries')")
    for programs, said in ((tmp_path / "nowhere", "no program build_binary"), (failing, "no space for tries")):
        with pytest.raises(PersonalModelError, match=said):
            build_personal_model((document,), "a", general, BuildOptions(programs=programs), tmp_path / "models")
    assert list_personal_models(tmp_path / "models") == []
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="the fake program is a script")
def test_a_program_that_hangs_ends_when_cancelled(general: GeneralModel, document: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    programs = fake_program(tmp_path / "bin", f"open({str(started)!r}, 'w').close()\nimport time\ntime.sleep(600)")
    with pytest.raises(BuildCancelled):
        build_personal_model(
            (document,), "a", general, BuildOptions(programs=programs), tmp_path / "models",
            is_cancelled=started.exists,
        )  # fmt: skip
    assert list((tmp_path / "models").iterdir()) == []


def test_large_texts_are_pruned_unless_told_otherwise(
    general: GeneralModel, document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count_triples(**options: object) -> int:
        made = BuildOptions(held_out=0.0, **options)
        return build_personal_model((document,), "a", general, made, tmp_path / "models").ngrams[2]

    document.write_text("\n\n".join([*JARGON, "our pump leaks badly"]), encoding="utf-8")
    everything = count_triples()
    monkeypatch.setattr("dictation.language.personal.LARGE_TEXT_WORDS", 100)
    assert count_triples() < everything
    assert count_triples(prune=(0,)) == everything
    assert BuildOptions(order=2).ngrams(10**9).prune == (0, 0)
