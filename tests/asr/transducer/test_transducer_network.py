"""Our transducer against torchaudio's; torch and torchaudio are imported inside."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dictation.asr.network import ARCHITECTURES
from dictation.asr.transducer.parameters import EmformerRnntParameters
from tests.support.emformer import BANDS, BASE, TINY, make_ours, make_theirs

if TYPE_CHECKING:
    from torch import Tensor

LABELS = 7
CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def both(parameters: EmformerRnntParameters, seed: int = 0) -> tuple[Any, Any]:
    theirs = make_theirs(parameters, BANDS, LABELS, seed)
    return make_ours(theirs, parameters, BANDS, LABELS), theirs


def random_features(hops: int, bands: int = BANDS, seed: int = 0) -> Tensor:
    import torch

    return torch.randn(hops, bands, generator=torch.Generator().manual_seed(seed))


def encode_in_parts(ours: Any, parameters: EmformerRnntParameters, features: Tensor, parts: list[int]) -> Tensor:
    """Encode so many segments at a time, and what is left in the end."""
    import torch

    heard, left, start = [], None, 0
    for segments in parts:
        end = start + segments * parameters.segment_hops
        if end + parameters.right_context_hops > len(features):
            break
        stretch = features[start : end + parameters.right_context_hops]
        encodings, left = ours.transcriber(stretch, left, segments * parameters.segment_frames)
        heard.append(encodings)
        start = end
    if len(features) - start >= parameters.right_context_hops + parameters.hops_per_frame:
        heard.append(ours.transcriber(features[start:], left)[0])
    return torch.cat(heard)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 9),
    hops_per_frame=st.sampled_from([1, 2, 4]),
    segment_frames=st.integers(1, 5),
    ahead_frames=st.integers(1, 3),
    left_context_frames=st.integers(1, 9),
    hops=st.integers(1, 90),
    parts=st.lists(st.integers(1, 4), max_size=6),
)
def test_encodings_equal_torchaudio_however_they_are_parted(
    seed: int, hops_per_frame: int, segment_frames: int, ahead_frames: int, left_context_frames: int, hops: int,
    parts: list[int],
) -> None:  # fmt: skip
    import torch

    parameters = replace(
        TINY, hops_per_frame=hops_per_frame, segment_hops=segment_frames * hops_per_frame,
        right_context_hops=ahead_frames * hops_per_frame, left_context_frames=left_context_frames,
    )  # fmt: skip
    ours, theirs = both(parameters, seed)
    count = hops + parameters.right_context_hops + hops_per_frame - 1
    features = random_features(count, seed=seed)
    with torch.inference_mode():
        wanted, _ = theirs.transcribe(features[None], torch.tensor([count]))
        torch.testing.assert_close(ours.transcriber(features)[0], wanted[0], **CLOSE)
        torch.testing.assert_close(encode_in_parts(ours, parameters, features, parts), wanted[0], **CLOSE)


def test_streamed_segments_equal_torchaudios_streaming() -> None:
    import torch

    ours, theirs = both(TINY)
    features = random_features(16 * 12 + 4)
    state, left = None, None
    with torch.inference_mode():
        for start in range(0, 16 * 12, 16):
            segment = features[start : start + 20]
            wanted, _, state = theirs.transcribe_streaming(segment[None], torch.tensor([20]), state)
            encodings, left = ours.transcriber(segment, left, 4)
            torch.testing.assert_close(encodings, wanted[0], **CLOSE)


def test_an_earlier_left_context_can_be_used_again() -> None:
    import torch

    ours, _ = both(TINY)
    features = random_features(68)
    with torch.inference_mode():
        _, left = ours.transcriber(features[:36], None, 8)
        first, _ = ours.transcriber(features[32:52], left, 4)
        ours.transcriber(-features[32:68], left, 8)
        again, _ = ours.transcriber(features[32:52], left, 4)
    assert torch.equal(first, again)


def test_predictor_and_joiner_equal_torchaudio() -> None:
    import torch

    ours, theirs = both(TINY)
    symbols = torch.randint(LABELS, (3, 5), generator=torch.Generator().manual_seed(0))
    heard = random_features(4, TINY.encoding_width)
    with torch.inference_mode():
        wanted, _, _ = theirs.predict(symbols, torch.full((3,), 5), None)
        joined, _, _ = theirs.join(heard[None].repeat(3, 1, 1), torch.full((3,), 4), wanted, torch.full((3,), 5))
        states = ours.predictor.first_state().expand(3, -1, -1, -1)
        for step in range(5):
            encodings, states = ours.predictor(symbols[:, step], states)
            torch.testing.assert_close(encodings, wanted[:, step], **CLOSE)
            for frame in range(4):
                torch.testing.assert_close(ours.joiner(heard[frame], encodings), joined[:, frame, step], **CLOSE)


@pytest.mark.model
def test_the_base_size_equals_torchaudio() -> None:
    import torch
    from torchaudio.models import emformer_rnnt_base

    from dictation.asr.unfilled import unfilled

    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = emformer_rnnt_base(4097).eval()
    with unfilled():
        ours = ARCHITECTURES["emformer-rnnt"].build(BASE, 80, 4097)
    ours.load_state_dict(theirs.state_dict(), assign=True)
    features = random_features(16 * 4 + 11, 80)
    with torch.inference_mode():
        wanted, _ = theirs.transcribe(features[None], torch.tensor([len(features)]))
        torch.testing.assert_close(encode_in_parts(ours.eval(), BASE, features, [1, 2]), wanted[0], **CLOSE)
        first, state = ours.predictor(torch.tensor([4096]), ours.predictor.first_state())
        second, _ = ours.predictor(torch.tensor([17]), state)
        predicted, _, _ = theirs.predict(torch.tensor([[4096, 17]]), torch.tensor([2]), None)
        torch.testing.assert_close(torch.stack((first, second), dim=1), predicted, **CLOSE)
        joined, _, _ = theirs.join(wanted[:, :1], torch.tensor([1]), predicted, torch.tensor([2]))
        torch.testing.assert_close(ours.joiner(wanted[0, 0], second)[0], joined[0, 0, 1], **CLOSE)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"layers": 0}, "layers must be at least 1"),
        ({"right_context_hops": 3}, "hops_per_frame .4. must divide right_context_hops .3."),
        ({"heads": 7}, "heads .7. must divide"),
    ],
)
def test_sizes_that_do_not_fit_are_named(change: dict[str, int], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        replace(TINY, **change)
