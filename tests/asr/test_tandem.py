"""torch is imported inside: collecting the tests stays quick."""

from __future__ import annotations

import numpy as np
import pytest

from dictation.asr.network import ARCHITECTURES, HOPS_PER_TANDEM_FRAME, TandemParameters

PARAMETERS = TandemParameters(
    codebooks=3, densities=4, tied_states=7, posteriors=5, width=8, heads=2, ffn_width=12, layers=1, kernel_size=3
)  # fmt: skip
MEL_BINS, LABELS = 6, 4


def make_network():
    import torch

    from dictation.asr.tandem import TandemConformer

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TandemConformer(PARAMETERS, MEL_BINS, LABELS).eval()
        for layer in network.enc.conformer_layers:
            for parameter in (layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias):
                torch.nn.init.normal_(parameter)
        network.gaussians.slopes.normal_()
        network.gaussians.offsets.normal_()
        network.gaussians.weights.uniform_(0.01, 1.0)
        network.gaussians.codebook_states.copy_(torch.tensor([2, 4, 1]))
        network.gaussians.pool.uniform_()
        return network


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 17])
def test_three_feature_frames_make_one_output_frame(frames: int) -> None:
    import torch

    architecture = ARCHITECTURES["tandem-conformer"]
    assert architecture.frames(None).hops_per_frame == HOPS_PER_TANDEM_FRAME == 3
    network = architecture.build(PARAMETERS, MEL_BINS, LABELS).eval()
    assert isinstance(network, type(make_network()))
    with torch.inference_mode():
        assert make_network()(torch.randn(2, frames, MEL_BINS)).shape == (2, -(-frames // 3), LABELS)


def test_pooled_posteriors_are_what_the_mixtures_say_of_three_frames() -> None:
    """Streams, mixtures, the product of streams and frames at a quarter of its weight and the pooling, written out."""
    import torch

    gaussians = make_network().gaussians
    cepstra = torch.randn(1, 3, 13)
    with torch.inference_mode():
        found = gaussians._posteriors(cepstra, 1)[0, 0].numpy()
    x = cepstra[0].numpy()
    x = np.concatenate([x[:1], x[:1], x[:1], x, x[-1:], x[-1:], x[-1:]])  # the edges go on for three frames
    scores = np.zeros(PARAMETERS.tied_states)
    for t in (3, 4, 5):
        streams = (x[t], x[t + 2] - x[t - 2], x[t + 3] - x[t - 1] - x[t + 1] + x[t - 3])
        for stream, values in enumerate(streams):
            inputs = np.concatenate([values, values**2])
            logs = gaussians.offsets[stream, 0].numpy() + inputs @ gaussians.slopes[stream].numpy()
            densities = np.exp(logs - logs.max())
            for state, codebook in enumerate([0, 0, 1, 1, 1, 1, 2]):
                own = densities[4 * codebook : 4 * codebook + 4]
                scores[state] += np.log(own @ gaussians.weights[stream, :, state].numpy() + 1e-10)
    posteriors = np.exp(0.25 * (scores - scores.max()))
    np.testing.assert_allclose(found, posteriors / posteriors.sum() @ gaussians.pool.numpy(), rtol=1e-4)


def test_long_audio_is_scored_in_pieces_that_fit_together() -> None:
    import torch

    gaussians, cepstra = make_network().gaussians, torch.randn(1, 600, 13)
    with torch.inference_mode():
        whole, part = gaussians._posteriors(cepstra, 200)[0], gaussians._posteriors(cepstra[:, 150:450], 100)[0]
    torch.testing.assert_close(whole[52:148], part[2:-2], rtol=1e-4, atol=1e-6)


def test_clips_in_a_batch_do_not_see_each_other() -> None:
    import torch

    network, features = make_network(), torch.randn(2, 10, MEL_BINS)
    with torch.inference_mode():
        both = network(features)
        for row in range(2):
            torch.testing.assert_close(network(features[row : row + 1])[0], both[row], rtol=1e-4, atol=1e-5)
