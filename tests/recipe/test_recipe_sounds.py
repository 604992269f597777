"""What the recipe makes and learns about sounds: how letters are said, and an hour without speech."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from dictation.asr.labels import Labels
from dictation.asr.letter_sounds import read_letter_sounds
from dictation.asr.model_folder import open_model_folder
from dictation.asr.recognizer import Effort
from dictation.asr.self_test import read_clip

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"
STARTER = RECIPE.parent / "starter"
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KINDS = ("breath", "clicks", "hiss", "hum", "knocks", "room", "silence", "tones")


def write_dictionary(path: Path) -> None:
    """Made-up words by four rules: c is S before e, else K; x is K S; e at the end is silent."""
    sounds = {"a": "AA", "t": "T", "n": "N", "x": "K S", "o": "OW"}
    rows = {}
    for first in "atnxco":
        for second in "atnxo":
            for third in "atnxceo":
                word = first + second + third
                said = [("S" if word[at + 1 : at + 2] == "e" else "K") if letter == "c" else sounds.get(letter, "")
                        for at, letter in enumerate(word)]  # fmt: skip
                rows[word] = " ".join(part for part in said if part)
                rows[f"{word[:2]}ce"] = " ".join([*(part for part in said[:2] if part), "S"])
    path.write_text("".join(f"{word} {said}\n" for word, said in rows.items()), encoding="utf-8")


def test_rules_of_spelling_are_learnt_from_a_dictionary(call: Callable[..., str], tmp_path: Path) -> None:
    write_dictionary(tmp_path / "dictionary")
    arguments = ("--lexicon", tmp_path / "dictionary", "--held-out", 20)
    told = call("learn_spelling", *arguments, "--output", tmp_path / "one")
    assert "0.0 % of sounds wrong" in told
    call("learn_spelling", *arguments, "--output", tmp_path / "two")
    rules = tmp_path / "one" / "letter_sounds.txt"
    assert rules.read_bytes() == (tmp_path / "two" / "letter_sounds.txt").read_bytes()
    labels = Labels(("<blank>", "AA", "T", "N", "K", "S", "OW"), "<blank>", "")
    said = read_letter_sounds(rules, labels).say("noxatance")
    assert [" ".join(labels.symbols[label] for label in way) for way in said] == ["N OW K S AA T AA N S"]


def test_the_hour_is_the_same_every_time_and_as_long_as_asked(load: Callable[[str], ModuleType]) -> None:
    noises = load("noises")
    once, again = list(noises.stretches(60.0, 3)), list(noises.stretches(60.0, 3))
    assert [kind for kind, _ in once] == [kind for kind, _ in again]
    for (_, one), (_, other) in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert sum(len(sound) for _, sound in once) == pytest.approx(60 * 16_000, abs=len(once))
    assert len({kind for kind, _ in once}) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_noise_can_be_heard(load: Callable[[str], ModuleType], kind: str) -> None:
    sound = load("noises").KINDS[kind](np.random.default_rng(1), 3.0)
    assert len(sound) == 48_000
    assert np.isfinite(sound).all()
    assert sound.std() > 0


def test_noise_is_learnt_as_blank(
    load: Callable[[str], ModuleType], call: Callable[..., str], english: Path, tmp_path: Path
) -> None:
    told = call("prepare_noise", "--sphinx", english / "en-us", "--output", tmp_path, "--minutes", 0.5)
    train = load("train")
    items = load("batches").read_items(tmp_path, "train")
    assert told.endswith(f"{len(items)} pieces of noise\n")
    assert items
    assert {(item.folder, tuple(item.phones)) for item in items} == {("noise", ())}
    frames, labels = max(len(item.features) for item in items), len(train.SYMBOLS)
    silent, loud = torch.zeros(2, len(items), frames, labels)
    silent[..., 0] = 9.0
    loud[..., 5] = 9.0
    assert train.ctc_loss(items, 1)(silent) < 1 < train.ctc_loss(items, 1)(loud)
    assert train.align(silent[0], []).tolist() == [0] * frames


def test_two_views_of_a_clip_teach_each_other(load: Callable[[str], ModuleType]) -> None:
    train = load("train")
    divergence = train.divergence
    views = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(1))
    frames = torch.tensor([5, 2, 5, 2])
    log_probs = views.log_softmax(dim=-1).requires_grad_()
    apart = divergence(log_probs, frames)
    apart.backward()
    assert apart > 0
    assert log_probs.grad is not None
    assert log_probs.grad[0].any()  # both are pupils
    assert log_probs.grad[2].any()
    assert not log_probs.grad[[1, 3], 2:].any()  # what fills the shorter clip up says nothing
    assert divergence(views[[0, 1, 0, 1]].log_softmax(dim=-1), frames) == 0
    assert divergence(log_probs.detach()[[2, 3, 0, 1]], frames) == pytest.approx(apart.item())
    items = 2 * [load("batches").Item("x", torch.zeros(count, 1), [1]) for count in (5, 2)]
    alone, together = (
        train.ctc_loss(items, views)(views_of_clips) for views, views_of_clips in ((1, views), (2, views))
    )
    assert together - alone == pytest.approx(train.CONSISTENCY * apart.item() / 4, rel=1e-4)


def test_prompts_become_a_corpus(load: Callable[[str], ModuleType], call: Callable[..., str], tmp_path: Path) -> None:
    sounds, texts, lexicon = tmp_path / "sounds", tmp_path / "texts.gz", tmp_path / "lexicon"
    (sounds / "digits").mkdir(parents=True)
    tone = (8000 * np.sin(np.arange(16_000) * 0.1)).astype(np.int16)
    for name in ("digits/one", "beep", "press", "rare"):
        with av.open(str(sounds / f"{name}.g722"), "w", format="g722") as container:
            stream = container.add_stream("g722", rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray(tone.reshape(1, -1), "s16", "mono")
            frame.sample_rate = 16_000
            container.mux([*stream.encode(frame), *stream.encode(None)])
    lines = "; Remark: one\n\ndigits/one: One, one.\nbeep: (a tone)\npress: Press 1\nrare: Zyx\nmissing: one\n"
    texts.write_bytes(gzip.compress(lines.encode()))
    lexicon.write_text("one W AH N\npress P R EH S\na AH\ntone T OW N\n", encoding="utf-8")
    told = call("read_prompts", "--sounds", sounds, "--texts", texts, "--lexicon", lexicon, "--output", tmp_path)
    assert told.endswith("1 prompts\n")
    [clip] = load("corpus").read_clips(tmp_path, "train")
    assert (clip.folder, clip.path.name, clip.text) == ("prompts", "digits-one.wav", "one one")
    heard = load("corpus").read_samples(clip.path)
    assert len(heard) == pytest.approx(16_000, abs=400)
    assert 0.2 < heard.max() < 0.3
    other_codec = ["--sounds", str(tmp_path / "prompts"), "--texts", str(texts), "--lexicon", str(lexicon)]
    refused = CliRunner().invoke(load("read_prompts").main, [*other_codec, "--output", str(tmp_path)])
    assert refused.exit_code == 1
    assert refused.output.endswith("apt install asterisk-core-sounds-en-g722\n")


@pytest.mark.model
def test_minutes_with_every_kind_of_noise_give_no_words(call: Callable[..., str]) -> None:
    told = call("noise_hour", STARTER, "--minutes", 1.7, "--seed", 19).splitlines()
    by_kind = [re.fullmatch(r"(\w+): ([1-9]\d*) s, (\d+) segments, 0 words", line) for line in told[-9:-1]]
    assert tuple(found and found[1] for found in by_kind) == KINDS
    assert sum(int(found[2]) for found in by_kind if found) == pytest.approx(102, abs=4)
    total = re.match(
        r"0 words in (\d+) segments \([1-9]\d* s\); 0 words shown tentatively, in 0 of (\d+) texts", told[-1]
    )
    assert total
    assert int(total[1]) == sum(int(found[3]) for found in by_kind if found) > 10
    assert int(total[2]) > 2 * int(total[1])  # each is heard again and again while it grows


@pytest.mark.model
def test_words_are_counted_whole_and_while_they_grow(
    load: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    program = load("noise_hour")
    clip = np.pad(read_clip(GOLDEN / "digits.wav"), 16_000)
    *growing, whole = [piece for _, piece in program.pieces([("speech", clip)], -45.0)]
    lengths_s = [piece.length_s for piece in growing if piece.effort is Effort.PARTIAL]
    assert whole.is_whole
    assert not any(piece.is_whole for piece in growing)
    assert np.diff(lengths_s).min() == pytest.approx(0.2)
    assert len(lengths_s) > 5
    # A pause, shorter than the silence that ends a segment, lets the app decode in advance.
    twice = np.concatenate([clip[:-21_600], clip[16_000:]])
    paused = [piece for _, piece in program.pieces([("speech", twice)], -45.0)]
    assert [piece.is_whole for piece in paused if piece.effort is Effort.FINAL] == [False, True]
    program.report_words(open_model_folder(STARTER), [("speech", clip)], -45.0, is_verbose=True)
    *told, of_speech, total = capsys.readouterr().out.splitlines()
    assert of_speech == f"speech: {len(clip) / 16_000:.0f} s, 1 segments, 5 words"
    assert told[-1] == f"  speech, {whole.length_s:.1f} s: one two three four five"
    tentative = [line.split(": ")[1].split() for line in told[:-1] if ", tentatively" in line]
    assert tentative
    assert total == (
        f"5 words in 1 segments ({whole.length_s:.0f} s); {sum(map(len, tentative))} words shown tentatively, in"
        f" {len(tentative)} of {len(growing)} texts of segments that were growing"
    )


@pytest.mark.model
def test_a_threshold_is_chosen_between_noise_and_speech(call: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "corpus" / "ljspeech-part1"
    folder.mkdir(parents=True)
    (folder / "clip.wav").write_bytes((STARTER / "reference.wav").read_bytes())
    (folder / "manifest.tsv").write_text("path\tseconds\tspeaker\tsplit\ttext\nclip.wav\t3\tx\tdev\tthis\n")
    chosen = call("noise_hour", STARTER, "--minutes", 0.2, "--choose", "--corpus", tmp_path / "corpus").splitlines()[-1]
    assert chosen.startswith("--min-letter-confidence 0.")
    assert "--min-gain-over-silence" in chosen
    assert chosen.endswith("loses 0 of 1 clips of speech")
