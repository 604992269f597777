"""Products in bfloat16: near to the exact ones, used only where they are faster and a clip gives the same text."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dictation.asr import processor, recognizer, self_test
from dictation.asr.half_products import HalfLinear, half_gain, shallow_copy
from dictation.asr.importing import import_model
from dictation.asr.model_folder import ModelFolder
from dictation.asr.network import ARCHITECTURES
from dictation.asr.processor import Processor, TorchAcoustics, faster_cpu_acoustics
from dictation.asr.recognizer import Recognizer
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters, WavLmParameters
from dictation.core.settings import RecognizerSettings
from tests.asr.test_processor import CLIP, FakeAcoustics, find_other_numbers, listen
from tests.support.hugging_face import LETTERS, SMALL, make_reference, save_folder, vocabulary
from tests.support.synth import babble

FAST_SO, SLOW_SO = 4.0, 0.05
NAME = "CPU (bfloat16)"


def make_network(norm: str, kind: str) -> nn.Module:
    torch.manual_seed(7)
    more = {"position_buckets": 8, "furthest_position": 20} if kind == "wavlm" else {}
    parameters = (WavLmParameters if kind == "wavlm" else Wav2Vec2Parameters)(
        norm, (16,) * 4, (10, 3, 3, 2), (5, 2, 2, 2), norm == "layer", 24, 3, 48, 2, 9, 3, norm == "layer", **more
    )  # fmt: skip
    return ARCHITECTURES[kind].build(parameters, 1, 7).eval()


@pytest.fixture
def imported(tmp_path: Path) -> ModelFolder:
    """A model that hears one letter in everything, so clearly that no processor's rounding makes another of it."""
    model = make_reference("wav2vec2", len(vocabulary(LETTERS)), **SMALL)
    model.lm_head.bias.data[vocabulary(LETTERS)["e"]] = 20.0
    source = save_folder(tmp_path / "source", model, LETTERS)
    return import_model(source, tmp_path / "models", lambda _: None, lambda: False)


def test_a_linear_layer_is_near_the_exact_one_and_stays_what_it_is() -> None:
    linear = nn.Linear(64, 32)
    half = HalfLinear(linear).to("cpu", torch.float32)
    x = torch.randn(5, 64)
    with torch.inference_mode():
        exact, near = linear(x), half(x)
    assert near.dtype is torch.float32
    assert not torch.equal(near, exact)
    torch.testing.assert_close(near, exact, rtol=0.02, atol=0.02)  # 8 bits of mantissa, of values around 1


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm"])
@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_twin_gives_nearly_the_same_probabilities(norm: str, kind: str) -> None:
    network = make_network(norm, kind)
    twin = network.with_half_products()
    samples = torch.randn(1, 3000)
    with torch.inference_mode():
        exact, near = (one(samples).softmax(dim=-1) for one in (network, twin))
    assert not torch.equal(near, exact)
    torch.testing.assert_close(near, exact, rtol=0, atol=0.02)


def test_a_twin_shares_what_it_does_not_convert_and_leaves_the_network_alone() -> None:
    network = make_network("layer", "wav2vec2")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    twin = network.with_half_products()
    assert twin.aux.weight is network.aux.weight
    assert isinstance(twin.encoder.feature_projection.projection, HalfLinear)
    assert isinstance(network.encoder.feature_projection.projection, nn.Linear)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_a_shallow_copy_has_modules_of_its_own() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    made = shallow_copy(network)
    assert made[0] is not network[0]
    assert [id(one) for one in made.parameters()] == [id(one) for one in network.parameters()]
    assert [id(one) for one in made.buffers()] == [id(one) for one in network.buffers()]


def test_the_gain_is_measured_once() -> None:
    assert half_gain() > 0
    assert half_gain() == half_gain()


@pytest.mark.parametrize("gain", [SLOW_SO, 1.0, 1.4])
def test_a_cpu_that_is_not_faster_so_stays_exact(gain: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "half_gain", lambda: gain)
    assert faster_cpu_acoustics(nn.Identity(), make_network("group", "wav2vec2")) is None


def test_so_does_a_network_without_a_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "half_gain", lambda: FAST_SO)
    assert faster_cpu_acoustics(nn.Identity(), nn.Linear(2, 2)) is None


def test_a_copy_that_hears_the_same_takes_over() -> None:
    made = Processor(FakeAcoustics("cpu"), lambda: None)
    faster = FakeAcoustics("cpu")
    faster.device_name = NAME
    made.hasten_cpu(lambda: faster, CLIP, find_other_numbers)
    assert (made.device, made.device_name) == ("cpu", NAME)
    listen(made)
    assert faster.calls == 2


@pytest.mark.parametrize(
    "faster",
    [
        FakeAcoustics("cpu", 2.0),
        FakeAcoustics("cpu", failures=[RuntimeError("could not create a primitive")]),
        FakeAcoustics("cpu", failures=[MemoryError()]),
    ],
    ids=["other text", "failure", "no memory"],
)
def test_one_that_does_not_is_dropped(faster: FakeAcoustics, caplog: pytest.LogCaptureFixture) -> None:
    exact = FakeAcoustics("cpu")
    made = Processor(exact, lambda: None)
    made.hasten_cpu(lambda: faster, CLIP, find_other_numbers)
    assert listen(made) == 1.0
    assert faster.calls == 1
    assert made.note == ""
    assert "goes on in float32" in caplog.text


def test_an_imported_model_is_read_in_bfloat16_to_the_same_text(
    imported: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    for gain, name in ((SLOW_SO, "CPU"), (FAST_SO, NAME)):
        monkeypatch.setattr(processor, "half_gain", lambda gain=gain: gain)
        made = Recognizer(imported, RecognizerSettings(processor="cpu"))
        assert made.load().device_name == name
        texts.append(made.recognize(babble(1.0)).best.text)
        made.close()
    assert texts == ["e", "e"]


def test_without_any_speech_to_compare_it_is_not_tried(imported: ModelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "half_gain", lambda: FAST_SO)
    monkeypatch.setattr(self_test, "find_models", list)
    made = Recognizer(imported, RecognizerSettings(processor="cpu"))
    assert made.load().device_name == "CPU"
    made.close()


def test_a_gpu_is_compared_with_the_exact_cpu() -> None:
    made = Processor(FakeAcoustics("cpu", 1.0), lambda: FakeAcoustics("cuda", 1.0))
    made.keep_exact(np.full((1, 1), 1.0))
    faster = FakeAcoustics("cpu", 1.5)
    made.hasten_cpu(lambda: faster, CLIP, lambda *_: "")
    made.probe(CLIP, find_other_numbers, is_gpu_wanted=True)
    assert (made.device, made.note) == ("cuda", "")


@pytest.mark.parametrize("gpu", [FakeAcoustics("cuda", 2.0), FakeAcoustics("cuda", failures=[RuntimeError("gone")])])
def test_what_a_gpu_would_be_made_from_is_let_go_when_it_fails(gpu: FakeAcoustics) -> None:
    class Network:
        pass

    network = Network()
    seen = weakref.ref(network)
    made = Processor(FakeAcoustics("cpu"), lambda network=network: gpu if network else None)
    del network
    assert seen() is not None
    made.probe(CLIP, find_other_numbers, is_gpu_wanted=True)
    gc.collect()
    assert seen() is None
    assert made.device == "cpu"


@pytest.mark.parametrize("fault", ["text", "probabilities"])
def test_rounding_that_changes_the_clip_is_not_taken(
    fault: str, imported: ModelFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processor, "half_gain", lambda: FAST_SO)
    if fault == "text":
        monkeypatch.setattr(recognizer, "are_close", lambda *_: True)
    hear = TorchAcoustics.log_probs

    def misheard(self: TorchAcoustics, *arguments: object) -> np.ndarray:
        heard = hear(self, *arguments)
        return np.roll(heard, 1, axis=1) if self.device_name == NAME else heard

    monkeypatch.setattr(TorchAcoustics, "log_probs", misheard)
    made = Recognizer(imported, RecognizerSettings(processor="cpu"))
    assert made.load().device_name == "CPU"
    assert {"text": "a wrong text", "probabilities": "other probabilities"}[fault] in caplog.text
    made.close()


def test_the_exact_weights_are_let_go_where_no_gpu_wants_them(
    imported: ModelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "half_gain", lambda: FAST_SO)
    exact: list[weakref.ref[torch.Tensor]] = []
    load = processor.load_modules

    def noticed(folder: ModelFolder) -> tuple[nn.Module, nn.Module]:
        front_end, network = load(folder)
        exact.append(weakref.ref(network.encoder.feature_projection.projection.weight))
        return front_end, network

    monkeypatch.setattr(processor, "load_modules", noticed)
    made = Recognizer(imported, RecognizerSettings(processor="cpu"))
    made.load()
    gc.collect()
    assert [one() for one in exact] == [None]
    made.close()
