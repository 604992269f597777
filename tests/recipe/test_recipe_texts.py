"""Which texts the language model reads, and which sentences the synthetic voices say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from click import ClickException
from click.testing import CliRunner

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"


def sentences(count: int, first: int = 0) -> str:
    letters = "abcdefghij"
    return "".join(f"The {''.join(letters[int(d)] for d in str(first + i))} came home.\n" for i in range(count))


def test_sentences_are_drawn_once_the_same_for_the_same_seed_and_none_that_is_left_out(
    tmp_path: Path, call: Callable[..., str]
) -> None:
    with gzip.open(tmp_path / "one.gz", "wt", encoding="utf-8") as stream:
        stream.write(sentences(60) + "Too short.\n" + "word " * 15 + "\n")
    (tmp_path / "two").write_text(sentences(20, 50), encoding="utf-8")  # half of it is in the first, too
    (tmp_path / "held out").write_text(sentences(30).upper(), encoding="utf-8")
    texts = (tmp_path / "one.gz", tmp_path / "two", "--leave-out", tmp_path / "held out", "--most-per-text", 25)
    said = [call("choose_sentences", *texts, "--seed", seed, "--output", tmp_path / f"out{n}")
            for n, seed in enumerate((1, 1, 2))]  # fmt: skip
    drawn = [(tmp_path / f"out{n}").read_text(encoding="utf-8").splitlines() for n in range(3)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == len(drawn[0])
    assert set(drawn[0]) <= set((sentences(40, 30)).splitlines())
    assert {line in sentences(60) for line in drawn[0]} == {True, False}  # from both texts
    assert f"{len(drawn[0])} sentences" in said[0]


def test_nothing_to_say_is_said(tmp_path: Path, load: Callable[[str], ModuleType]) -> None:
    (tmp_path / "text").write_text("Too short.\n", encoding="utf-8")
    arguments = [str(tmp_path / "text"), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(load("choose_sentences").main, arguments)
    assert done.exit_code == 1
    assert "no sentence of 3 to 14 words" in done.output
    assert not (tmp_path / "out").exists()


def test_a_mix_names_every_text_and_no_other(tmp_path: Path, load: Callable[[str], ModuleType]) -> None:
    read_mix, mix = load("build_lm").read_mix, tmp_path / "mix.json"
    mix.write_text('{"novels": 3, "meetings": 0}', encoding="utf-8")
    novels, meetings, prompts = (tmp_path / name for name in ("novels", "meetings", "prompts"))
    assert read_mix(mix, [novels, meetings]) == {"novels": 3, "meetings": 0}
    assert read_mix(None, [novels, prompts]) == {"novels": 1, "prompts": 1}
    with pytest.raises(ClickException, match="does not say how often to read prompts"):
        read_mix(mix, [novels, meetings, prompts])
    with pytest.raises(ClickException, match="names meetings, which were not given"):
        read_mix(mix, [novels])


def test_the_starters_mix_leaves_out_what_it_is_scored_on(shared_corpus: Path) -> None:
    """And nothing of which the collection says that its licence is to be checked; the rest it names."""
    mix = json.loads((RECIPE / "starter-mix.json").read_text(encoding="utf-8"))
    there = {path.name for path in (shared_corpus.parent / "lmtext").glob("*.gz")}
    left_out = {name.split(".")[0] for name in there - mix.keys()}
    assert left_out == {"common_voice", "polyai", "parl_qmsum", "se_uspd", "tanaka_lc", "reviews_lc"}
    assert mix.keys() - there == {"transcripts.txt", "strings.txt"}
