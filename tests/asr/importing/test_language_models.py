"""KenLM files beside a Hugging Face model and in the place of an installed model's."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path

import pytest

from dictation.asr.importing import (
    ImportCancelled,
    ImportKind,
    import_language_model,
    import_model,
    recognise_source,
)
from dictation.asr.importing.kenlm_files import is_language_model
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.core.errors import ModelImportFailed
from dictation.language.mixture import open_kenlm
from tests.support.arpa import arpa
from tests.support.hugging_face import LETTERS, write_folder
from tests.support.tiny_model import make_tiny_model

ROOT = Path(__file__).resolve().parents[3]
STARTER_LM = ROOT / "models" / "starter" / "lm.bin"
STARTER_LEXICON = ROOT / "models" / "starter" / "lexicon.txt"

ARPA = arpa(
    {"</s>": (-1.0,), "<s>": (-99, -0.3), "<unk>": (-2.0,), "ba": (-1.0, -0.3), "ab": (-1.0, -0.3), "bö": (-1.5, -0.3)},
    {"<s> ba": -0.3, "ba ab": -0.1},
)
WORDS = ["ba", "ab", "bö"]


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    path = tmp_path / "wörter.v1.arpa"
    path.write_text(ARPA, encoding="utf-8")
    return path


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def replace(path: Path, target: ModelFolder, models: Path) -> ModelFolder:
    return import_language_model(path, target, models, lambda _: None, lambda: False)


def words_of(folder: ModelFolder) -> list[str]:
    path = folder.file("unigrams")
    assert path is not None
    return path.read_text(encoding="utf-8").split()


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_model_elsewhere_is_copied_with_the_new_language_model(arpa: Path, tmp_path: Path, models: Path) -> None:
    target = open_model_folder(make_tiny_model(tmp_path / "elsewhere" / "tiny"))
    before = names_in(target.path)
    made = replace(arpa, target, models)
    assert made.path.parent == models
    assert made.name == "tiny with wörter"
    assert words_of(made) == WORDS
    made.verify()
    assert names_in(target.path) == before
    assert names_in(models) == [made.path.name]


def test_a_model_of_the_user_s_own_is_changed_in_one_step(arpa: Path, models: Path) -> None:
    target = open_model_folder(make_tiny_model(models / "tiny"))
    first = replace(arpa, target, models)
    assert (first.path, first.name) == (target.path, "tiny")
    assert words_of(first) == WORDS
    before = names_in(first.path)
    arpa.write_text(ARPA.replace("bö", "öb"), encoding="utf-8")
    second = replace(arpa, first, models)
    second.verify()
    assert words_of(second) == ["ba", "ab", "öb"]
    assert len(names_in(second.path)) == len(before)  # the old files are gone
    assert replace(arpa, second, models).files == second.files  # the same once more
    assert names_in(models) == ["tiny"]


@pytest.mark.model
def test_the_new_language_model_is_used(arpa: Path, models: Path) -> None:
    from dictation.asr.recognizer import Recognizer
    from dictation.core.settings import RecognizerSettings

    made = replace(arpa, open_model_folder(make_tiny_model(models / "tiny")), models)
    recognizer = Recognizer(made, RecognizerSettings(processor="cpu"))
    text = recognizer.load().runs[0].text
    recognizer.close()
    assert set(text.split()) <= set(WORDS)  # random letters, drawn to the only words there are


def test_text_becomes_a_binary_zipped_or_not(arpa: Path, tmp_path: Path, models: Path) -> None:
    zipped = tmp_path / "lm.arpa.gz"
    zipped.write_bytes(gzip.compress(arpa.read_bytes()))
    target = open_model_folder(make_tiny_model(models / "tiny"))
    path = replace(zipped, target, models).required_file("language_model")
    assert path.suffix == ".bin"
    assert is_language_model(path)
    asked = "ba ab bö nothing ba"
    assert list(open_kenlm(path).full_scores(asked)) == list(open_kenlm(arpa).full_scores(asked))
    assert [name for name in names_in(target.path) if name.endswith(".arpa")] == []
    again = replace(arpa, open_model_folder(target.path), models)
    assert again.required_file("language_model") == path  # named after its content


def test_text_that_no_binary_can_hold_is_kept(arpa: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dictation.language.kenlm_binary.MOST_NGRAMS", 7)
    made = replace(arpa, open_model_folder(make_tiny_model(models / "tiny")), models)
    path = made.required_file("language_model")
    assert (path.suffix, path.read_text(encoding="utf-8")) == (".arpa", ARPA)
    assert words_of(made) == WORDS
    made.verify()


def test_text_is_kept_if_the_disk_has_no_room_for_both(
    arpa: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dictation.language.kenlm_binary.write_table", fail)
    made = replace(arpa, open_model_folder(make_tiny_model(models / "tiny")), models)
    assert made.required_file("language_model").read_text(encoding="utf-8") == ARPA
    assert [name for name in names_in(made.path) if name.endswith(".bin")] == []


def test_a_binary_carries_its_words(starter: ModelFolder, models: Path) -> None:
    assert recognise_source(STARTER_LM) is ImportKind.KENLM
    made = replace(STARTER_LM, starter, models)
    sayable = {line.split()[0] for line in STARTER_LEXICON.read_text(encoding="utf-8").splitlines()}
    words = words_of(made)
    assert len(words) == len(set(words)) == 61_501
    assert set(words) <= sayable
    path = made.file("language_model")
    assert path is not None
    assert (path.suffix, path.read_bytes()) == (".bin", STARTER_LM.read_bytes())


def test_a_binary_without_its_words_is_used_without(starter: ModelFolder, tmp_path: Path, models: Path) -> None:
    """``build_binary`` can be told to leave the words out: a byte in the head says so."""
    content = bytearray(STARTER_LM.read_bytes())
    content[100] = 0
    bare = tmp_path / "bare.bin"
    bare.write_bytes(content[: content.rfind(b"<unk>\0")])
    made = replace(bare, starter, models)
    assert made.file("language_model") is not None
    assert made.file("unigrams") is None


def cut_after(text: str, mark: str) -> str:
    return text[: text.index(mark) + len(mark)]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: "", "is neither ARPA text nor a KenLM binary"),
        (lambda _: "words without order", "is neither ARPA text nor a KenLM binary"),
        (lambda t: cut_after(t, "ba\t-0.3\n"), "its head states 6 words, but only 4 follow"),
        (lambda t: cut_after(t, "<s> ba\n"), r"is truncated: it does not end with \\end\\"),
        (lambda t: t.replace("ngram 1=6\n", ""), "does not say how many words there are"),
        (lambda t: t.replace("-0.1\tba ab", "-0.1\tba"), "is not a language model that KenLM can read"),
        (
            lambda t: t.replace("ba", "да").replace("ab", "ад").replace("bö", "нет"),
            "belongs to another alphabet: this model's letters spell 0 of its 3 words",
        ),
    ],
)
def test_what_is_no_whole_language_model_is_named(
    spoil: Callable[[str], str], words: str, arpa: Path, models: Path
) -> None:
    target = open_model_folder(make_tiny_model(models / "tiny"))
    before = names_in(target.path)
    arpa.write_text(spoil(ARPA), encoding="utf-8")
    with pytest.raises(ModelImportFailed, match=words) as caught:
        replace(arpa, target, models)
    assert str(caught.value).startswith(str(arpa))
    assert (names_in(models), names_in(target.path)) == (["tiny"], before)
    open_model_folder(target.path).verify()


def test_text_of_another_encoding_and_a_cut_gzip_file_are_named(arpa: Path, tmp_path: Path, models: Path) -> None:
    target = open_model_folder(make_tiny_model(models / "tiny"))
    zipped = tmp_path / "lm.arpa.gz"
    zipped.write_bytes(gzip.compress(ARPA.encode() * 1000)[:-20])
    with pytest.raises(ModelImportFailed, match=r"lm.arpa.gz: is a damaged or truncated gzip file"):
        replace(zipped, target, models)
    arpa.write_text(ARPA, encoding="latin-1")
    with pytest.raises(ModelImportFailed, match="is not encoded in UTF-8"):
        replace(arpa, target, models)


def test_a_cut_binary_is_named(starter: ModelFolder, tmp_path: Path, models: Path) -> None:
    cut = tmp_path / "cut.bin"
    cut.write_bytes(STARTER_LM.read_bytes()[:-1000])
    with pytest.raises(ModelImportFailed, match=r"cut.bin: is truncated or damaged: it states 61504 words, but"):
        replace(cut, starter, models)


def test_cancelling_changes_nothing(arpa: Path, models: Path) -> None:
    target = open_model_folder(make_tiny_model(models / "tiny"))
    before = names_in(target.path)
    for allowed in range(6):  # while it is copied and while it becomes a binary
        answers = chain([False] * allowed, repeat(True))
        with pytest.raises(ImportCancelled):
            import_language_model(arpa, target, models, lambda _: None, lambda answers=answers: next(answers))
        assert (names_in(models), names_in(target.path)) == (["tiny"], before)


def test_progress_never_falls(arpa: Path, models: Path) -> None:
    target = open_model_folder(make_tiny_model(models / "tiny"))
    shares: list[float] = []
    import_language_model(arpa, target, models, shares.append, lambda: False)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_language_model_alone_says_what_it_needs(arpa: Path, models: Path) -> None:
    with pytest.raises(ModelImportFailed, match="is a language model alone") as caught:
        import_model(arpa, models, lambda _: None, lambda: False)
    assert "--language-model-for" in caught.value.remedy


@pytest.fixture
def with_language_model(tmp_path: Path) -> Path:
    """A folder as pyctcdecode packs one."""
    folder = write_folder(tmp_path / "source")
    inner = folder / "language_model"
    inner.mkdir()
    (inner / "5gram.arpa").write_text(ARPA.replace("ba", "tea").replace("ab", "ten").replace("bö", "neon"))
    (inner / "unigrams.txt").write_text("tea\nten\nneon\n")
    (inner / "attrs.json").write_text('{"alpha": 0.5, "beta": 1.5, "unk_score_offset": -10.0, "score_boundary": true}')
    labels = ["", "<s>", "</s>", "⁇", " ", *LETTERS]
    (folder / "alphabet.json").write_text(json.dumps({"labels": labels, "is_bpe": False}))
    return folder


def test_a_model_with_its_language_model(with_language_model: Path, models: Path) -> None:
    made = import_model(with_language_model, models, lambda _: None, lambda: False)
    assert words_of(made) == ["tea", "ten", "neon"]
    assert (made.decoding.lm_weight, made.decoding.word_score) == (0.5, 1.5)
    made.verify()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "language_model" / "unigrams.txt").unlink(), r"unigrams.txt: is missing"),
        (lambda f: (f / "language_model" / "5gram.arpa").unlink(), "must hold one KenLM file .* found: none"),
        (lambda f: shutil.copy(STARTER_LM, f / "language_model"), r"found: 5gram.arpa, lm.bin"),
        (lambda f: (f / "alphabet.json").unlink(), r"alphabet.json: is missing"),
        (lambda f: (f / "alphabet.json").write_text('{"labels": ["", " ", "e", "z"]}'), "do not have the same letters"),
        (lambda f: (f / "alphabet.json").write_text("{}"), "lacks the list 'labels'"),
        (
            lambda f: (f / "language_model" / "attrs.json").write_text('{"alpha": -1, "beta": 0}'),
            "alpha and beta are no",
        ),
    ],
)
def test_a_language_model_that_does_not_fit_its_model(
    spoil: Callable[[Path], object], words: str, with_language_model: Path, models: Path
) -> None:
    spoil(with_language_model)
    with pytest.raises(ModelImportFailed, match=words):
        import_model(with_language_model, models, lambda _: None, lambda: False)
    assert not models.exists() or not names_in(models)
