"""The recipe from speech to scores on a miniature: a few synthetic clips, a few steps, each command as a program."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import stat
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from dictation.asr.decoding import DecodingParameters
from dictation.asr.model_folder import open_model_folder

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"
SPOKEN = {
    "train": ("one two three", "we go home now", "the sun is warm", "two or three of us"),
    "dev": ("we go home", "the sun is warm now"),
    "eval": ("one two or three", "now we go home", "the warm sun"),
}
"""Splits of their own sentences, so that it is seen if one takes another's, in the words of the first."""
TEXTS = SPOKEN["train"]


ESPEAK = shutil.which("espeak-ng") or ""
needs_espeak = pytest.mark.skipif(not ESPEAK, reason="espeak-ng is not installed")


def run(script: str, *arguments: object, programs: Path | None = None, fails: bool = False) -> str:
    """What a program prints; the message if it is to fail."""
    environment = {**os.environ, "PYTHONPATH": str(RECIPE.parents[1]), "OMP_NUM_THREADS": "1"}
    if programs:
        environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    command = [sys.executable, str(RECIPE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=150)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def write_corpus(corpus: Path) -> Path:
    """Clips of espeak-ng."""
    folder = corpus / "ljspeech-part1"
    folder.mkdir(parents=True)
    rows = ["path\tseconds\tspeaker\tsplit\ttext"]
    for index, (split, text) in enumerate((split, text) for split, texts in SPOKEN.items() for text in texts):
        subprocess.run([ESPEAK, "-v", "en-us", "-s", "130", "-w", str(folder / f"{index}.wav"), text], check=True)
        rows.append(f"{index}.wav\t\tespeak\t{split}\t{text}")
    (folder / "manifest.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return corpus


def prepared_texts(features: Path, split: str) -> list[str]:
    """What the clips of a split's shards say, sorted."""
    texts = []
    for path in features.glob(f"corpus-{split}-[0-9]*.safetensors"):
        with safe_open(path, framework="pt") as shard:
            texts += [clip["text"] for clip in json.loads(shard.metadata()["clips"])]
    return sorted(texts)


def write_clip(folder: Path, text: str) -> Path:
    """The same voice at the rate of a self-test clip."""
    subprocess.run([ESPEAK, "-v", "en-us", "-s", "130", "-w", str(folder / "spoken.wav"), text], check=True)
    samples = importlib.import_module("corpus").read_samples(folder / "spoken.wav")
    with wave.open(str(folder / "clip.wav"), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(16_000)
        clip.writeframes((samples * 32767).astype("<i2").tobytes())
    return folder / "clip.wav"


def write_lexicon(dictionary: Path, path: Path) -> None:
    """The texts' words with CMU's pronunciations: all that the search may say."""
    wanted = {word for text in TEXTS for word in text.split()}
    lines = dictionary.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if line.split()[0] in wanted) + "\n", encoding="utf-8")


def write_arpa(path: Path) -> None:
    """All words alike: what lmplz would need boost and a compiler for."""
    words = sorted({word for text in TEXTS for word in text.split()})
    entries = [f"-1.0\t{word}\t0" for word in ("<unk>", "<s>", "</s>", *words)]
    head = ["\\data\\", f"ngram 1={len(entries)}", "ngram 2=1", "", "\\1-grams:"]
    pairs = ["", "\\2-grams:", f"-1.0\t<s> {words[0]}", "", "\\end\\", ""]
    path.write_text("\n".join([*head, *entries, *pairs]), encoding="utf-8")


@needs_espeak
def test_from_speech_to_scores(tmp_path: Path, english: Path, call: Callable[..., str]) -> None:
    corpus, features, checkpoint = write_corpus(tmp_path / "corpus"), tmp_path / "features", tmp_path / "net.pt"
    sphinx, dictionary = english / "en-us", english / "cmudict-en-us.dict"
    for split in ("train", "dev"):
        call(
            "prepare",
            *("--corpus", corpus, "--sphinx", sphinx, "--lexicon", dictionary),
            *("--output", features, "--split", split),
        )
        assert prepared_texts(features, split) == sorted(SPOKEN[split])
    train = ("train", "--features", features, "--sphinx", sphinx, "--checkpoint", checkpoint)
    small = ("--width", 32, "--layers", 1, "--save-every", 60, "--realign-at", 10, "--ctc-from", 100)
    begun = call(*train, *small, "--steps", 60)
    resumed = call(*train, *small, "--steps", 300)
    assert "step 60" in begun
    assert "step 60" not in resumed
    assert "step 300" in resumed
    language, model = tmp_path / "language", tmp_path / "model"
    language.mkdir()
    write_lexicon(dictionary, language / "lexicon.txt")
    pronunciations = importlib.import_module("corpus").read_lexicon(language / "lexicon.txt")
    write_arpa(language / "lm.bin")
    export = ("--checkpoint", checkpoint, "--sphinx", sphinx, "--language", language, "--word-score", 1.5,
              "--clip", write_clip(tmp_path, TEXTS[0]), "--clip-text")  # fmt: skip
    assert "self-test passed" in call("export", *export, TEXTS[0], "--output", model)
    arguments = [str(part) for part in (*export, TEXTS[1], "--output", tmp_path / "wrong")]
    failed = CliRunner().invoke(importlib.import_module("export").main, arguments, catch_exceptions=False)
    assert failed.exit_code == 1
    assert f'self-test FAILED\nError: The self-test heard "{TEXTS[0]}" in place of "{TEXTS[1]}".' in failed.output
    assert (tmp_path / "wrong" / "model.toml").exists()
    assert open_model_folder(model).decoding == DecodingParameters("lexicon", lm_weight=0.7, word_score=1.5)
    systems = [f"{model}{variant}" for variant in (":greedy", ":no-lm", "")]
    table = call("evaluate", *systems, "--corpus", corpus, "--split", "eval", "--at-once", 2)
    rows = {row[5]: row for row in ([part.strip() for part in line.split("|")] for line in table.splitlines()[2:])}
    assert set(rows) == set(systems)
    assert all(row[1] == "eval-lj" for row in rows.values())
    words = [word for text in SPOKEN["eval"] for word in text.split()]
    phones = sum(len(pronunciations[word][0]) for word in words)
    clips = str(len(SPOKEN["eval"]))
    wanted = [[clips, str(phones), "phones"], *2 * [[clips, str(len(words)), "words"]]]
    assert [rows[system][2:5] for system in systems] == wanted
    # It has learnt its words by heart, all but some phones.
    assert [float(rows[system][6]) for system in systems[1:]] == [0, 0]
    assert float(rows[systems[0]][6]) < 30
    tuned = call("tune_weights", model, "--corpus", corpus, "--lm-weight", 0.6, "--lm-weight", 5, "--word-score", 0,
        "--blank-score", 0, "--blank-score", -0.5)  # fmt: skip
    assert (
        "--lm-weight 0.6 --word-score 0.0 --blank-score 0.0 --beam-prune-logp -10.0: mean 0.00 % (eval-lj 0.0)" in tuned
    )
    assert tuned.splitlines()[-1] == "best: --lm-weight 0.6 --word-score 0.0 --blank-score 0.0 --beam-prune-logp -10.0"


def test_preparing_again_keeps_the_shards(tmp_path: Path, english: Path, call: Callable[..., str]) -> None:
    folder = tmp_path / "corpus" / "set"
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(-9999, 9999, 16_000, dtype=np.int16)
    with wave.open(str(folder / "a.wav"), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(16_000)
        clip.writeframes(noise.tobytes())
    (folder / "manifest.tsv").write_text("path\tseconds\tspeaker\tsplit\ttext\na.wav\t1\tx\ttrain\tone two\n")
    arguments = ("--corpus", tmp_path / "corpus", "--sphinx", english / "en-us", "--output", tmp_path / "features")
    lexicon = ("--lexicon", english / "cmudict-en-us.dict", "--perturbed")
    call("prepare", *arguments, *lexicon)
    (shard,) = (tmp_path / "features").glob("*.safetensors")
    first, written_ns = shard.read_bytes(), shard.stat().st_mtime_ns
    call("prepare", *arguments, *lexicon)
    assert shard.stat().st_mtime_ns == written_ns
    shard.unlink()
    call("prepare", *arguments, *lexicon)
    assert shard.read_bytes() == first


@pytest.mark.usefixtures("call")  # makes the programs importable
def test_a_phone_with_many_tied_states_outweighs_silence_that_was_not_heard(english: Path) -> None:
    train, tying = importlib.import_module("train"), importlib.import_module("sphinx_model")
    phones = tying.read_tying(english / "en-us" / "mdef").phones
    for heard, label in (("T", "T"), ("AH", "AH"), ("SIL", "<blank>")):
        posteriors = torch.zeros(1, train.STACKED_BANDS + 5 * len(phones))
        posteriors[0, train.STACKED_BANDS + 3 * phones.index(heard)] = 0.3
        features = 0.5 * (posteriors + train.LEAST_POSTERIOR).log()
        log_probs = train.PhonePlacer(english / "en-us").log_probs(features)
        assert train.SYMBOLS[int(log_probs.argmax())] == label


def write_program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_synthesis_draws_the_same_clips_again_and_keeps_what_is_there(tmp_path: Path) -> None:
    programs, text, lexicon = tmp_path / "bin", tmp_path / "text", tmp_path / "lexicon"
    programs.mkdir()
    for name in ("espeak-ng", "flite", "pico2wave", "text2wave"):  # writes its arguments where the sound would go
        write_program(programs, name, 'for last; do :; done; echo "$@" > "$last"')
    text.write_text("One, two!\nOne two three.\nThree two one two.\nUnheard of words\n", encoding="utf-8")
    lexicon.write_text("one W AH N\ntwo T UW\nthree TH R IY\n", encoding="utf-8")
    arguments = ("--text", text, "--lexicon", lexicon, "--clips", 6)
    for name in ("a", "b"):
        run("synthesise.py", *arguments, "--output", tmp_path / name, programs=programs)
    manifest = (tmp_path / "a" / "synthetic" / "manifest.tsv").read_text(encoding="utf-8")
    assert manifest == (tmp_path / "b" / "synthetic" / "manifest.tsv").read_text(encoding="utf-8")
    assert {row.split("\t")[4] for row in manifest.splitlines()[1:]} == {"one two three", "three two one two"}
    kept = tmp_path / "a" / "synthetic" / "train-000000.wav"
    kept.write_text("kept", encoding="utf-8")
    run("synthesise.py", *arguments, "--output", tmp_path / "a", "--split", "eval", programs=programs)
    run("synthesise.py", *arguments, "--output", tmp_path / "a", programs=programs)
    assert kept.read_text(encoding="utf-8") == "kept"
    refused = run("synthesise.py", *arguments, "--output", tmp_path / "a", "--seed", 2, programs=programs, fails=True)
    assert "--seed was 1 and is 2 now" in refused
    both = (tmp_path / "a" / "synthetic" / "manifest.tsv").read_text(encoding="utf-8").splitlines()[1:]
    voices = {row.split("\t")[3]: set() for row in both}
    for row in both:
        voices[row.split("\t")[3]].add(row.split("\t")[2])
    assert not voices["train"] & voices["eval"]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_the_lexicon_holds_frequent_words_and_few_homophones(tmp_path: Path) -> None:
    programs, text, lexicon = tmp_path / "bin", tmp_path / "text", tmp_path / "lexicon"
    programs.mkdir()
    write_program(programs, "lmplz", "cat")
    write_program(programs, "build_binary", 'while [ $# -gt 2 ]; do shift; done; cp "$1" "$2"')
    homophones = [f"ab{letter}" for letter in "cdefghij"]
    text.write_text("".join(f"{'xy ' * 9}{word}\n" * (9 - i) for i, word in enumerate(homophones)), encoding="utf-8")
    lexicon.write_text("".join(f"{word} AE B\n" for word in homophones) + "xy Z AY\nxy(2) Z IY\n", encoding="utf-8")
    run("build_lm.py", text, "--lexicon", lexicon, "--programs", programs, "--output", tmp_path / "out")
    lines = (tmp_path / "out" / "lexicon.txt").read_text(encoding="utf-8").splitlines()
    assert lines == ["xy Z AY", "xy Z IY", *(f"{word} AE B" for word in homophones[:6])]
    assert (tmp_path / "out" / "lm.bin").read_text(encoding="utf-8").startswith("xy xy")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_a_text_read_no_times_brings_its_known_words_and_no_sentence(tmp_path: Path) -> None:
    programs, lexicon, repeats = tmp_path / "bin", tmp_path / "lexicon", tmp_path / "repeats.json"
    programs.mkdir()
    write_program(programs, "lmplz", "cat")
    write_program(programs, "build_binary", 'while [ $# -gt 2 ]; do shift; done; cp "$1" "$2"')
    (tmp_path / "read").write_text("tea\n", encoding="utf-8")
    (tmp_path / "left").write_text("toe tea toe\ntoe unheard\n", encoding="utf-8")
    lexicon.write_text("tea T IY\ntoe T OW\n", encoding="utf-8")
    repeats.write_text('{"read": 2, "left": 0}', encoding="utf-8")
    places = ("--programs", programs, "--output", tmp_path / "out", "--repeats", repeats)
    run("build_lm.py", tmp_path / "read", tmp_path / "left", "--lexicon", lexicon, *places)
    assert (tmp_path / "out" / "lexicon.txt").read_text(encoding="utf-8") == "tea T IY\ntoe T OW\n"
    assert (tmp_path / "out" / "lm.bin").read_text(encoding="utf-8") == "tea\ntea\ntoe\n"
