"""The shipped catalogue against torchaudio, and what a faulty catalogue is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from dictation.core.errors import CatalogueError
from dictation.library.catalogue import SHIPPED, load_catalogue, read_catalogue, shipped_catalogue

ENTRIES = {entry.key: entry for entry in read_catalogue()}
BUNDLES = {
    "wav2vec2-base-960h": "WAV2VEC2_ASR_BASE_960H",
    "wav2vec2-large-960h": "WAV2VEC2_ASR_LARGE_960H",
    "wav2vec2-large-lv60k-960h": "WAV2VEC2_ASR_LARGE_LV60K_960H",
    "hubert-large": "HUBERT_ASR_LARGE",
    "hubert-xlarge": "HUBERT_ASR_XLARGE",
    "voxpopuli-en": "VOXPOPULI_ASR_BASE_10K_EN",
    "voxpopuli-de": "VOXPOPULI_ASR_BASE_10K_DE",
    "voxpopuli-es": "VOXPOPULI_ASR_BASE_10K_ES",
    "voxpopuli-fr": "VOXPOPULI_ASR_BASE_10K_FR",
    "voxpopuli-it": "VOXPOPULI_ASR_BASE_10K_IT",
}


TRANSDUCER = "emformer-rnnt"


def test_every_model_is_compared_with_torchaudio() -> None:
    assert {*BUNDLES, TRANSDUCER} == set(ENTRIES)


@pytest.mark.parametrize("key", BUNDLES)
def test_a_model_is_what_torchaudio_says(key: str) -> None:
    import torchaudio.pipelines

    bundle, entry = getattr(torchaudio.pipelines, BUNDLES[key]), ENTRIES[key]
    sizes, network = bundle._params, entry.network
    assert entry.weights.name == bundle._path
    assert entry.labels.symbols == tuple(label.lower() for label in bundle.get_labels())
    assert entry.labels.blank == bundle.get_labels()[0]
    assert entry.dropped_outputs == tuple(bundle._remove_aux_axis)
    assert entry.is_audio_normalised == bundle._normalize_waveform
    assert f"{network.extractor_norm}_norm" == sizes["extractor_mode"]
    assert network.extractor_bias == sizes["extractor_conv_bias"]
    shapes = zip(network.extractor_channels, network.extractor_kernels, network.extractor_strides, strict=True)
    assert list(shapes) == sizes["extractor_conv_layer_config"]
    assert network.width == sizes["encoder_embed_dim"]
    assert network.heads == sizes["encoder_num_heads"]
    assert network.ffn_width == sizes["encoder_ff_interm_features"]
    assert network.layers == sizes["encoder_num_layers"]
    assert network.position_kernel == sizes["encoder_pos_conv_kernel"]
    assert network.position_groups == sizes["encoder_pos_conv_groups"]
    assert network.is_norm_first == sizes["encoder_layer_norm_first"]


def test_the_transducer_is_what_torchaudio_says() -> None:
    """Tensors are compared on torch's meta device, which holds no numbers."""
    import torch
    import torchaudio.pipelines
    from torch.utils.flop_counter import FlopCounterMode

    from dictation.asr.network import ARCHITECTURES
    from dictation.asr.unfilled import unfilled

    bundle, entry = torchaudio.pipelines.EMFORMER_RNNT_BASE_LIBRISPEECH, ENTRIES[TRANSDUCER]
    paths = (bundle._rnnt_path, bundle._global_stats_path, bundle._sp_model_path)
    assert [file.url for file in entry.files] == [f"https://download.pytorch.org/torchaudio/{path}" for path in paths]
    assert [file.role for file in entry.files] == ["weights", "statistics", "pieces"]
    sizes = entry.network
    assert (sizes.segment_hops, sizes.right_context_hops) == (bundle.segment_length, bundle.right_context_length)
    assert entry.labels is None
    assert entry.language_model is None
    with torch.device("meta"), torch.no_grad(), unfilled():
        theirs = bundle._rnnt_factory_func()
        ours = ARCHITECTURES[entry.architecture].build(sizes, bundle.n_mels, bundle._blank + 1).eval()
        with FlopCounterMode(display=False) as encoding:
            ours.transcriber(torch.zeros(1000 + bundle.right_context_length, bundle.n_mels))
        readings = torch.zeros(10, sizes.encoding_width)
        with FlopCounterMode(display=False) as joining:
            ours.joiner(readings[0], readings)
        with FlopCounterMode(display=False) as predicting:
            ours.predictor(torch.zeros(10, dtype=torch.long), ours.predictor.first_state().expand(10, -1, -1, -1))
    wanted = {name: tensor.shape for name, tensor in theirs.state_dict().items()}
    assert {name: tensor.shape for name, tensor in ours.state_dict().items()} == wanted
    assert sum(parameter.numel() for parameter in ours.parameters()) == entry.parameters
    search = 25 * (2 * joining.get_total_flops() + predicting.get_total_flops())
    assert (encoding.get_total_flops() / 10 + search) / 1e9 == pytest.approx(entry.gflop_per_s, abs=0.06)


@pytest.mark.parametrize("key", ["voxpopuli-fr", "hubert-large"])
def test_parameters_and_work_are_those_of_the_network(key: str) -> None:
    """Counted on torch's meta device, which holds no numbers."""
    import torch
    import torchaudio.pipelines
    from torch.utils.flop_counter import FlopCounterMode
    from torchaudio.models import wav2vec2_model

    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = wav2vec2_model(**getattr(torchaudio.pipelines, BUNDLES[key])._params).eval()
        network(torch.zeros(1, 160_000))
    assert sum(parameter.numel() for parameter in network.parameters()) == ENTRIES[key].parameters
    assert counter.get_total_flops() / 10 / 1e9 == pytest.approx(ENTRIES[key].gflop_per_s, abs=0.06)


def test_stated_sizes_fit_the_networks() -> None:
    """PyTorch's container adds some ten kilobytes, and the dropped outputs are in the file."""
    for entry in ENTRIES.values():
        if entry.weights.size_bytes:
            dropped = len(entry.dropped_outputs) * (entry.network.width + 1)
            overhead = entry.weights.size_bytes - 4 * (entry.parameters + dropped)
            assert 0 < overhead < 100_000, entry.key


def test_every_figure_has_a_source_and_every_file_an_encrypted_address() -> None:
    for entry in ENTRIES.values():
        assert all(rate.source and 0 < rate.percent < 100 for rate in entry.word_error_rates)
        assert entry.licence
        assert all(file.url.startswith("https://") for file in entry.files)


def test_a_language_model_speaks_the_language_of_its_network() -> None:
    for entry in ENTRIES.values():
        assert (entry.language_model is None) == (entry.key == TRANSDUCER)
        if entry.language_model is None:
            continue
        assert entry.language_model.language == entry.language
    keys = [entry.key for entry in (*shipped_catalogue().models, *shipped_catalogue().language_models)]
    assert len(set(keys)) == len(keys)


def test_a_model_can_take_another_language_model_or_none() -> None:
    base = ENTRIES["wav2vec2-base-960h"]
    small = base.with_language_model(shipped_catalogue().language_model("librispeech-3gram-small"))
    assert [file.role for file in small.files] == ["weights", "language_model"]
    assert small.size_bytes == 377_664_473 + 13_654_242
    assert base.with_language_model(None).files == (base.weights,)


def test_the_size_is_unknown_while_one_file_is() -> None:
    assert ENTRIES["hubert-large"].weights.size_bytes is None
    assert ENTRIES["hubert-large"].size_bytes is None


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(CatalogueError, match="no model called 'wav2vec3'"):
        shipped_catalogue().model("wav2vec3")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('licence = "MIT"', 'license = "MIT"', "model wav2vec2-base-960h has the unknown key 'license'"),
        ('network = "base"', 'network = "vase"', "network 'vase' is not described"),
        ("[language_model.file]", "[language_model.files]", "has the unknown key 'files'"),
        ('kind = "emformer-rnnt"', 'kind = "hmm"', "[network.emformer-base]: kind 'hmm' is unknown"),
        ("heads = 12", "heads = 13", "heads (13) must divide width (768)"),
        ("size_bytes = 377_664_473", 'size_bytes = "much"', "size_bytes must be a whole number"),
        ('language_model = "librispeech-3gram"', 'language_model = "x"', "no language model called 'x'"),
        ("format_version = 1", "format_version = 2", "format_version must be 1, not 2"),
        ("[[model]]", "[[model]", "line"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "catalogue.toml"
    path.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    assert complaint in str(caught.value)
