"""Networks of the sizes that were published, with random weights: transformers' logits, at transformers' frame rate.

The base sizes are compared in every run; the large ones want up to 12 GB of memory and minutes:
``make test ARGS="--large-networks tests/asr/importing/test_published_sizes.py -s"`` prints the table of
docs/importing.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from dictation.asr.importing.hugging_face import read_parameters
from dictation.asr.importing.json_file import JsonFile
from dictation.asr.wav2vec2 import Wav2Vec2Ctc
from tests.support.hugging_face import (
    KEPT,
    LETTERS,
    PUBLISHED,
    SMALL,
    bring_in,
    make_reference,
    network_of,
    save_folder,
    vocabulary,
)

LENGTHS = (32_000, 21_000)
SPREAD = 13
"""Times the random output layer's weights: the logits, and their errors, are then as large as a trained network's."""


@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # of transformers' own WavLM
@pytest.mark.parametrize("name", PUBLISHED)
def test_logits_equal_those_of_transformers(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    family, sizes = PUBLISHED[name]
    if "base" not in name and not request.config.getoption("--large-networks"):
        pytest.skip("a network of this size wants minutes and up to 12 GB of memory: --large-networks")
    theirs = make_reference(family, len(vocabulary(LETTERS)), **sizes)
    theirs.lm_head.weight.data *= SPREAD
    torch.manual_seed(1)
    lengths = torch.tensor(LENGTHS)
    is_sound = torch.arange(max(LENGTHS)) < lengths.unsqueeze(1)
    samples = torch.randn(len(LENGTHS), max(LENGTHS)) * is_sound
    with torch.inference_mode():
        wanted = theirs(samples).logits[..., KEPT]
        wanted_masked = theirs(samples, attention_mask=is_sound.long()).logits[..., KEPT]
    parameter_count = sum(parameter.numel() for parameter in theirs.parameters())
    source = save_folder(tmp_path / name, theirs)
    del theirs  # the two networks are never in memory together
    ours = network_of(bring_in(source, tmp_path / "models"))
    with torch.inference_mode():
        plain, masked = ours(samples) - wanted, ours(samples, lengths) - wanted_masked
    largest, largest_masked = float(plain.abs().max()), float(masked.abs().max())
    row = f"{largest:.1e} | {largest_masked:.1e} | {float(wanted.abs().max()):.1f}"
    print(f"\n| {name} | {parameter_count / 1e6:.1f} M | {row} |")  # noqa: T201  # the table of docs/importing.md
    assert wanted.std() > 1  # a comparison of constants would prove nothing
    assert max(largest, largest_masked) <= 1e-4


def test_published_sizes_have_frames_of_20_ms() -> None:
    parameters = read_parameters(JsonFile(Path("config.json"), {}), "wav2vec2")
    assert (parameters.samples_per_frame, parameters.samples_seen) == (320, 400)
    with torch.inference_mode():
        small = {**SMALL, "conv_dim": [4] * 7, "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5] + [2] * 6}
        network = Wav2Vec2Ctc(read_parameters(JsonFile(Path("config.json"), small), "wav2vec2"), 3).eval()
        assert [network(torch.randn(1, samples)).shape[1] for samples in (400, 719, 720, 16_000)] == [1, 1, 2, 49]
