"""What the recipe chooses by itself: transcripts among candidates, the mix of texts, strings to say."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

from dictation.asr.conformer import Conformer
from dictation.asr.network import EncoderParameters

RECIPE = Path(__file__).resolve().parents[2] / "models" / "recipe"
LEXICON = {"tea": [("T", "IY")], "two": [("T", "UW")], "toe": [("T", "OW")]}


def log_probs_of(symbols: tuple[str, ...], *heard: dict[str, float]) -> torch.Tensor:
    """One frame per argument; what it does not name shares the rest."""
    frames = []
    for frame in heard:
        rest = (1 - sum(frame.values())) / (len(symbols) - len(frame))
        frames.append([frame.get(symbol, rest) for symbol in symbols])
    return torch.tensor(frames).log()


def test_the_likeliest_candidate_is_chosen_and_no_close_call(load: Callable[[str], ModuleType]) -> None:
    pseudo_label, corpus = load("pseudo_label"), load("corpus")
    clear = log_probs_of(corpus.SYMBOLS, {"T": 0.9}, {"UW": 0.9})
    close = log_probs_of(corpus.SYMBOLS, {"T": 0.9}, {"UW": 0.45, "IY": 0.44})
    for candidates in (["tea", "two"], ["two", "tea", "unheard"]):
        assert pseudo_label.choose(clear, candidates, LEXICON, 1.0) == "two"
        assert pseudo_label.choose(close, candidates, LEXICON, 1.0) is None
    assert pseudo_label.choose(clear, ["unheard"], LEXICON, 1.0) is None
    too_short = log_probs_of(corpus.SYMBOLS, {"T": 0.9})
    assert pseudo_label.choose(too_short, ["two"], LEXICON, 1.0) is None


def test_the_mixture_finds_the_source_that_foretells_best(load: Callable[[str], ModuleType]) -> None:
    tune_mix = load("tune_mix")
    dice = np.random.default_rng(3)
    good, poor = dice.uniform(0.1, 0.2, 500), dice.uniform(0.01, 0.02, 500)
    weights = tune_mix.mix(np.array([good, poor]), np.ones(500))
    assert weights[0] > 0.99
    assert weights.sum() == pytest.approx(1)
    # Where each source is good for half of the words, both are needed; what matters more weighs more.
    halves = np.array([[0.2, 0.01], [0.01, 0.2]])
    assert tune_mix.mix(halves, np.ones(2)) == pytest.approx([0.5, 0.5])
    assert tune_mix.mix(halves, np.array([3.0, 1.0]))[0] > 0.7


def test_a_text_of_few_words_does_not_foretell_others(load: Callable[[str], ModuleType], tmp_path: Path) -> None:
    tune_mix = load("tune_mix")
    entries = [f"-0.6\t{word}\t0" for word in ("<unk>", "<s>", "</s>", "tea")]
    pairs = ["", "\\2-grams:", "-0.6\t<s> tea", "", "\\end\\", ""]
    lines = ["\\data\\", "ngram 1=4", "ngram 2=1", "", "\\1-grams:", *entries, *pairs]
    (tmp_path / "arpa").write_text("\n".join(lines), encoding="utf-8")
    model = tune_mix.kenlm.Model(str(tmp_path / "arpa"))
    known, unseen, end = tune_mix.word_probabilities(model, [["tea", "two"]])
    assert known == pytest.approx(end) == pytest.approx(10**-0.6)
    assert unseen == pytest.approx(10**-0.6 / tune_mix.UNSEEN_WORDS)


def test_sources_are_repeated_by_their_weight_per_word(load: Callable[[str], ModuleType]) -> None:
    tune_mix = load("tune_mix")
    weights, words = np.array([0.4, 0.3, 0.3, 0.0]), np.array([100.0, 300.0, 300.0, 50.0])
    assert tune_mix.repeats(weights, words) == [tune_mix.MOST_REPEATS, 1, 1, 0]


def test_strings_are_digits_or_the_letters_of_a_word(load: Callable[[str], ModuleType]) -> None:
    transcripts = load("transcripts")
    drawn = [transcripts.draw_string(random.Random(seed), ["ab"]) for seed in range(40)]  # noqa: S311
    digits = {*transcripts.DIGITS, "oh"}
    assert {"a b", "a b a b"} >= {line for line in drawn if not set(line.split()) <= digits}
    assert any(set(line.split()) <= digits for line in drawn)
    assert not any({"zero", "oh"} <= set(line.split()) for line in drawn)  # a number says one or the other


def test_a_room_and_noise_keep_the_length_and_come_again(load: Callable[[str], ModuleType]) -> None:
    prepare = load("prepare")
    samples = np.sin(np.arange(16_000, dtype=np.float32) / 20)
    for change in (prepare.add_room, prepare.add_noise):
        first, again = (change(samples, random.Random(5)) for _ in range(2))  # noqa: S311
        assert first.dtype == np.float32
        assert len(first) == len(samples)
        assert np.array_equal(first, again)
        below_db = -20 * np.log10((first - samples).std() / samples.std())
        assert 3 <= below_db <= 30


def test_an_epoch_holds_each_folder_as_often_as_its_share_says(load: Callable[[str], ModuleType]) -> None:
    batches = load("batches")
    items = [batches.Item(folder, torch.zeros(1, 1), [1]) for folder in ("many", "some", "usual") for _ in range(400)]
    chosen = batches.draw_epoch(items, {"many": 2.0, "some": 0.25}, random.Random(2))  # noqa: S311
    counts = [sum(items[index].folder == folder for index in chosen) for folder in ("many", "some", "usual")]
    assert counts[0] == 800
    assert 60 <= counts[1] <= 140
    assert counts[2] == 400


def test_layers_between_those_of_a_shallower_network_add_nothing_at_first(
    load: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    fresh_network = load("fresh_network")

    def build(layers: int) -> Conformer:
        return Conformer(EncoderParameters(width=8, heads=2, ffn_width=12, layers=layers, kernel_size=3)).eval()

    with torch.random.fork_rng():
        torch.manual_seed(1)
        shallow = nn.ModuleDict({"enc": build(2)})
        for layer in shallow["enc"].conformer_layers:
            nn.init.normal_(layer.self_attn.in_proj_weight)
            nn.init.zeros_(layer.self_attn.in_proj_bias)
        x = torch.randn(2, 5, 8)
    deep = nn.ModuleDict({"enc": build(4)})
    deep.load_state_dict(fresh_network.stretch_layers(shallow.state_dict(), 4))
    with torch.inference_mode():
        # A layer that adds nothing scales each frame to unit variance, which the layer before has done already.
        torch.testing.assert_close(deep["enc"](x), shallow["enc"](x), rtol=1e-3, atol=1e-3)


def test_training_hides_whole_channels_of_a_clip(load: Callable[[str], ModuleType]) -> None:
    fresh_network = load("fresh_network")
    network = nn.ModuleDict(
        {"enc": Conformer(EncoderParameters(width=8, heads=2, ffn_width=12, layers=1, kernel_size=3))}
    )
    fresh_network.hide_channels(network)
    part = network["enc"].conformer_layers[0].ffn1
    nn.init.ones_(part.sequential[4].bias)
    x = torch.randn(500, 3, 8)
    with torch.inference_mode():
        hidden = part.train()(x) == 0  # (clips, frames, channels)
        assert not (part.eval()(x) == 0).any()
    assert torch.equal(hidden.any(dim=1), hidden.all(dim=1))
    assert 0.07 < hidden.float().mean() < 0.13


def test_trainings_are_averaged_weight_by_weight(load: Callable[[str], ModuleType], tmp_path: Path) -> None:
    program = load("average")
    paths = []
    for name, weight, steps in (("a", [1.0, 2.0], 10), ("b", [4.0, 8.0], 20), ("other", [1.0], 0)):
        state = {"lin.weight": torch.tensor(weight), "norm.num_batches_tracked": torch.tensor(steps)}
        torch.save({"average": state, "step": steps}, tmp_path / name)
        paths.append(str(tmp_path / name))
    a, b, other = paths
    done = CliRunner().invoke(program.main, [a, b, b, "--output", str(tmp_path / "c")], catch_exceptions=False)
    assert done.exit_code == 0
    found = torch.load(tmp_path / "c", weights_only=True)["average"]
    assert found["lin.weight"].tolist() == [3.0, 6.0]
    assert found["norm.num_batches_tracked"] == 20
    refused = CliRunner().invoke(program.main, [a, other, "--output", str(tmp_path / "d")])
    assert refused.exit_code == 1
    assert "the networks differ in their weights" in refused.output
    assert not (tmp_path / "d").exists()


def test_a_score_is_printed_before_the_next_set_is_heard(
    load: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted evaluation of hours has told what it knows."""
    evaluate = load("evaluate")

    def measure_apart(name: str, *_: object) -> Iterator[tuple[str, object]]:
        yield "eval-lj", evaluate.Score("phones", [1, 2], [10, 20], 3.0, 30.0, 640.4)
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "measure_apart", measure_apart)
    done = CliRunner().invoke(evaluate.main, ["net:greedy", "--corpus", str(tmp_path)])
    assert done.exit_code == 1
    head, _, row, *_ = done.output.splitlines()
    assert head.split(" | ")[3:6] == ["of", "system", "errors %"]
    assert row == "| eval-lj | 2 | 30 | phones | net:greedy | 10.0 | 10.0-10.0 | 0.100 | 640 |"


def test_an_evaluation_goes_on_with_the_sets_that_have_no_score(
    load: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if it was killed while it wrote; another model, or other clips, have scores of their own."""
    evaluate, corpus = load("evaluate"), load("corpus")
    sets = {name: [corpus.Clip("x", tmp_path / "a.wav", "dev", "tea")] for name in ("eval-lj", "eval-l2")}
    asked: list[list[str]] = []

    def measure_apart(_: str, missing: dict[str, object], *__: object) -> Iterator[tuple[str, object]]:
        asked.append(list(missing))
        for name in missing:
            yield name, evaluate.Score("words", [len(asked)], [4], 3.0, 30.0, 640.4)
            if len(asked) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "measure_apart", measure_apart)
    monkeypatch.setattr(evaluate, "choose_sets", lambda *_: sets)
    kept, model = tmp_path / "scores", tmp_path / "net"
    model.mkdir()
    (model / "weights").write_bytes(b"1")
    arguments = [str(model), "--corpus", str(tmp_path), "--keep", str(kept)]
    assert CliRunner().invoke(evaluate.main, arguments).exit_code == 1
    with kept.open("a", encoding="utf-8") as stream:
        stream.write('{"key": "cut o')
    for _ in range(2):
        *_, lj, l2 = CliRunner().invoke(evaluate.main, arguments, catch_exceptions=False).output.splitlines()
        assert [row.split(" | ")[5] for row in (lj, l2)] == ["25.0", "50.0"]
    assert asked == [["eval-lj", "eval-l2"], ["eval-l2"], []]
    (model / "weights").write_bytes(b"2")
    CliRunner().invoke(evaluate.main, arguments, catch_exceptions=False)
    sets["eval-lj"][0] = corpus.Clip("x", tmp_path / "a.wav", "dev", "two")
    CliRunner().invoke(evaluate.main, arguments, catch_exceptions=False)
    assert asked[3:] == [["eval-lj", "eval-l2"], ["eval-lj"]]
