"""Programs of the recipe go on with an output only if the same is asked for again."""

from __future__ import annotations

import shutil
import wave
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest
from click.testing import CliRunner

ASKED = {"--seed": 1, "--text": "sha256:12"}


def test_another_demand_is_refused_with_what_differs(load: Callable[[str], ModuleType], tmp_path: Path) -> None:
    claim = load("asked").claim
    for unfinished in ("set-train-0000.part", "set-train-other-0000.wav", "set-train-7-train-0000.wav"):
        (tmp_path / unfinished).touch()
    for asked in ({"--seed": 2}, ASKED):  # nothing is there that the first could have made
        claim(tmp_path, "set-train", ".wav", asked, is_unrecorded_trusted=False)
    (tmp_path / "set-train-0000.wav").touch()
    claim(tmp_path, "set-train", ".wav", dict(ASKED), is_unrecorded_trusted=False)
    for asked, difference in (
        ({**ASKED, "--seed": 2}, "--seed was 1 and is 2 now. "),
        ({**ASKED, "--text": "sha256:34"}, "--text has changed. "),
        ({**ASKED, "--clips": 5}, "--clips was None and is 5 now. "),
    ):
        with pytest.raises(click.ClickException) as refusal:
            claim(tmp_path, "set-train", ".wav", asked, is_unrecorded_trusted=True)
        assert difference in refusal.value.message
        assert refusal.value.message.endswith(f"delete {tmp_path / 'set-train'}-[0-9]*.wav.")
        assert "--output" in refusal.value.message


def test_files_of_an_earlier_version_are_refused_or_taken_for_what_is_asked(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    claim = load("asked").claim
    (tmp_path / "train-000000.wav").touch()
    with pytest.raises(click.ClickException, match="earlier version"):
        claim(tmp_path, "train", ".wav", ASKED, is_unrecorded_trusted=False)
    claim(tmp_path, "train", ".wav", ASKED, is_unrecorded_trusted=True)
    with pytest.raises(click.ClickException, match="--seed was 1"):
        claim(tmp_path, "train", ".wav", {**ASKED, "--seed": 2}, is_unrecorded_trusted=True)


def test_a_digest_tells_where_parts_end_and_what_files_are_called(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    asked = load("asked")
    assert asked.digest([b"ab", b"c"]) != asked.digest([b"a", b"bc"])
    (tmp_path / "means").write_bytes(b"1")
    before = asked.digest_of(tmp_path)
    (tmp_path / "means").rename(tmp_path / "variances")
    assert asked.digest_of(tmp_path) != before == asked.digest([b"means", b"1"])


def write_corpus(folder: Path, rows: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with wave.open(str(folder / "a.wav"), "wb") as clip:
        clip.setparams((1, 2, 16_000, 0, "NONE", ""))
        clip.writeframes(np.random.default_rng(0).integers(-9999, 9999, 16_000, dtype=np.int16).tobytes())
    (folder / "manifest.tsv").write_text(f"path\tseconds\tspeaker\tsplit\ttext\n{rows}", encoding="utf-8")


def test_prepare_refuses_shards_of_other_options_and_rows(
    load: Callable[[str], ModuleType], english: Path, tmp_path: Path
) -> None:
    corpus, features = tmp_path / "corpus", tmp_path / "features"
    (tmp_path / "lexicon").write_text("one W AH N\ntwo T UW\n", encoding="utf-8")
    places = {"corpus": corpus, "sphinx": english / "en-us", "lexicon": tmp_path / "lexicon", "output": features}
    train = f"a.wav\t1\tx\ttrain\tone\n{corpus / 'set' / 'a.wav'}\t1\tx\ttrain\ttwo\n"

    def prepare(*options: str) -> str:
        arguments = [f"--{name}={place}" for name, place in places.items()]
        return CliRunner().invoke(load("prepare").main, [*arguments, *options], catch_exceptions=False).output

    write_corpus(corpus / "set", train)
    prepare()
    assert "--seed was 1 and is 2 now" in prepare("--seed=2")
    assert "--most-per-folder was 3000 and is 1 now" in prepare("--most-per-folder=1")
    write_corpus(corpus / "set", f"{train}a.wav\t1\tx\tdev\ttwo\n")
    for options in ([], ["--split=dev"], ["--perturbed", "--seed=2"]):  # shards of their own
        assert "Error" not in prepare(*options)
    write_corpus(corpus / "other", train)
    assert "--corpus has changed" in prepare()
    shutil.rmtree(corpus / "other")
    (features / "corpus-train.asked.json").unlink()
    assert "Error" not in prepare()
    assert len(list(features.glob("*.safetensors"))) == 3
