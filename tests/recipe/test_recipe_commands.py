"""Commands of the recipe on miniatures: transcripts by judgement, texts, the mix of texts, the other recogniser."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[2] / "models"
STARTER = MODELS / "starter"
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
HEAD = "path\tseconds\tspeaker\tsplit\ttext\n"


def write_manifest(folder: Path, *rows: tuple[str, str, str]) -> Path:
    """Rows of file name, split and text."""
    folder.mkdir(parents=True)
    lines = [f"{name}\t3\tx\t{split}\t{text}\n" for name, split, text in rows]
    (folder / "manifest.tsv").write_text(HEAD + "".join(lines), encoding="utf-8")
    return folder


@pytest.mark.model
def test_clips_get_the_transcript_that_is_clearly_likeliest(call: Callable[..., str], tmp_path: Path) -> None:
    clips = write_manifest(tmp_path / "coffee", ("digits.wav", "train", ""), ("house.wav", "dev", ""))
    candidates = {
        "digits.wav": ["nine two three four five", "one two three four five", "one two three four five six"],
        "house.wav": ["the red house by the river", "the read house by the river"],  # they sound alike
    }
    listed = []
    for name, texts in candidates.items():
        shutil.copy(GOLDEN / name, clips / name)
        listed.append(json.dumps({"path": name, "seconds": 3, "candidates": texts}))
    (clips / "candidates.jsonl").write_text("\n".join(listed) + "\n", encoding="utf-8")
    (tmp_path / "lexicon").write_text(
        "one W AH N\ntwo T UW\nthree TH R IY\nfour F AO R\nfive F AY V\nsix S IH K S\nnine N AY N\nthe DH AH\n"
        "red R EH D\nread R EH D\nread(2) R IY D\nhouse HH AW S\nby B AY\nriver R IH V ER\n",
        encoding="utf-8",
    )
    arguments = ("--clips", clips, "--model", STARTER, "--lexicon", tmp_path / "lexicon")
    told = call("pseudo_label", *arguments, "--output", tmp_path / "out")
    assert told.splitlines()[-1] == "1 of 2 clips have a clear transcript"
    manifest = (tmp_path / "out" / "coffee" / "manifest.tsv").read_text(encoding="utf-8")
    assert manifest == HEAD + f"{clips / 'digits.wav'}\t3\tunknown\ttrain\tone two three four five\n"
    call("pseudo_label", *arguments, "--output", tmp_path / "all", "--margin", 0)
    assert len((tmp_path / "all" / "coffee" / "manifest.tsv").read_text(encoding="utf-8").splitlines()) == 3


def test_texts_of_train_rows_and_strings_are_written(call: Callable[..., str], tmp_path: Path) -> None:
    write_manifest(tmp_path / "one" / "set", ("a", "train", "Well-made, isn't it?"), ("b", "dev", "left out"))
    write_manifest(
        tmp_path / "two" / "set", ("c", "train", "'Tis 5 o'clock"), ("d", "train", ""), ("e", "train", "Yes")
    )
    (tmp_path / "words").write_text("cab K AE B\nit's IH T S\nit's(2) IH T S\n", encoding="utf-8")
    corpora = ("--corpus", tmp_path / "one", "--corpus", tmp_path / "two")
    drawn = {}
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        output = tmp_path / name
        call(
            "transcripts", *corpora, "--words", tmp_path / "words", "--output", output, "--strings", 50, "--seed", seed
        )
        assert (output / "transcripts.txt").read_text(encoding="utf-8") == "well made isn't it\nyes\n"
        drawn[name] = (output / "strings.txt").read_text(encoding="utf-8").splitlines()
    assert drawn["first"] == drawn["again"] != drawn["other"]
    digits = {"zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
    spelled = {line for line in drawn["first"] if not set(line.split()) <= digits}
    names = ("c a b", "i t s")
    assert set(names) < spelled <= {*names, *(f"{one} {two}" for one in names for two in names)}
    assert len(drawn["first"]) == 50
    assert 10 < sum(set(line.split()) <= digits for line in drawn["first"]) < 40


ESTIMATE = """
import collections, math, sys
words = [word for line in sys.stdin for word in [*line.split(), "</s>"]]
logp = {word: math.log10(count / len(words)) for word, count in collections.Counter(words).items()}
rows = ["ngram 2=1", "", "\\\\1-grams:", "-2\\t<unk>\\t0", "-99\\t<s>\\t0"]
rows += [f"{value:.6f}\\t{word}\\t0" for word, value in logp.items()]
rows += ["", "\\\\2-grams:", f"{logp[words[0]]:.6f}\\t<s> {words[0]}", "", "\\\\end\\\\"]
print("\\\\data\\\\", f"ngram 1={len(logp) + 2}", *rows, sep="\\n")
"""
"""Stands for lmplz: words and sentence ends as likely as they are frequent."""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script")
def test_the_text_that_suits_the_development_rows_is_read(call: Callable[..., str], tmp_path: Path) -> None:
    """Of three words, with the sentence end, each is as likely as the others: perplexity 3."""
    program = tmp_path / "lmplz"
    program.write_text(f"#!{sys.executable}{ESTIMATE}", encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    write_manifest(tmp_path / "corpus" / "ljspeech-part1", ("a", "dev", "Tea two"), ("b", "train", "toe toe"))
    write_manifest(tmp_path / "corpus" / "grid-s1", ("a", "dev", "toe toe"))  # a set that is not tuned for
    (tmp_path / "lexicon").write_text("tea T IY\ntwo T UW\ntoe T OW\n", encoding="utf-8")
    suits, other, output = tmp_path / "suits", tmp_path / "other", tmp_path / "mix.json"
    suits.write_text("Tea, two.\n" * 5, encoding="utf-8")
    other.write_text("Toe, toe.\n" * 5, encoding="utf-8")
    options = ("--corpus", tmp_path / "corpus", "--lexicon", tmp_path / "lexicon", "--programs", tmp_path)
    told = call("tune_mix", other, suits, *options, "--output", output)
    assert told.splitlines()[-4:] == [
        "by words: eval-lj 5",
        "tuned: eval-lj 3",
        "other: weight 0.000, 10 words, read 0 times",
        "suits: weight 1.000, 10 words, read 1 times",
    ]
    assert json.loads(output.read_text(encoding="utf-8")) == {"other": 0, "suits": 1}


@pytest.mark.usefixtures("english")
def test_pocketsphinx_is_scored_beside_the_models(call: Callable[..., str], tmp_path: Path) -> None:
    """It hears "well three four five"; the bound leaves room for another release."""
    folder = write_manifest(tmp_path / "ljspeech-part1", ("digits.wav", "dev", "One, two, three, four, five."))
    shutil.copy(GOLDEN / "digits.wav", folder)
    row = [part.strip() for part in call("evaluate", "pocketsphinx", "--corpus", tmp_path).splitlines()[-1].split("|")]
    assert row[1:6] == ["eval-lj", "1", "5", "words", "pocketsphinx"]
    assert 0 < float(row[6]) <= 60
