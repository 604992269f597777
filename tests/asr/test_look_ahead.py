"""Segments of a file that are heard together before each is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from dictation.asr.look_ahead import LEAST_SHARE, MOST_TOGETHER, LookAhead
from dictation.asr.model_folder import ModelFolder
from dictation.asr.processor import Processor, TorchAcoustics, load_modules
from dictation.asr.recognizer import Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.records import Samples
from dictation.core.settings import RecognizerSettings

CLIPS = sorted((Path(__file__).resolve().parents[1] / "golden").glob("*.wav"))


class FakeProcessor:
    """Hears the length of each piece."""

    device = "cuda:0"

    def __init__(self, room_samples: int = 10**9) -> None:
        self.room = room_samples
        self.batches: list[list[int]] = []

    def room_samples(self) -> int:
        return self.room

    def log_probs_of(self, batch: list[Samples], _checkpoint: object) -> list[np.ndarray]:
        self.batches.append([piece.size for piece in batch])
        return [np.full((1, 1), float(piece.size)) for piece in batch]


def pieces(*lengths: int) -> list[Samples]:
    return [np.zeros(length, dtype=np.float32) for length in lengths]


def hear_all(processor: FakeProcessor, audio: list[Samples]) -> list[float]:
    ahead = LookAhead(processor)
    return [
        float(ahead.hear(piece, audio[place + 1 :], lambda: None).log_probs[0, 0]) for place, piece in enumerate(audio)
    ]


def test_pieces_of_like_length_go_together_and_keep_their_order() -> None:
    processor, lengths = FakeProcessor(), (100, 40, 101, 96, 41, 1000, 99)
    assert hear_all(processor, pieces(*lengths)) == list(lengths)
    assert processor.batches == [[100, 101, 99, 96], [40, 41], [1000]]
    for batch in processor.batches:
        assert min(batch) >= LEAST_SHARE * max(batch)


@pytest.mark.parametrize(("room", "most"), [(0, 1), (99, 1), (250, 2), (10**9, MOST_TOGETHER)])
def test_no_more_than_there_is_room_for(room: int, most: int) -> None:
    processor = FakeProcessor(room)
    assert hear_all(processor, pieces(*[100] * 70)) == [100] * 70
    assert max(len(batch) for batch in processor.batches) == most


def test_a_piece_that_nobody_asks_for_is_forgotten_with_its_audio() -> None:
    ahead, (first, *others) = LookAhead(FakeProcessor()), pieces(*[100] * 5)
    ahead.hear(first, others, lambda: None)
    assert len(ahead._kept) == 4
    del others[:2]  # a file was cancelled
    assert len(ahead._kept) == 2


def test_a_batch_that_is_left_early_leaves_nothing_behind() -> None:
    class Cancelled(Exception):
        pass

    class Leaving(FakeProcessor):
        def log_probs_of(self, batch: list[Samples], checkpoint: object) -> list[np.ndarray]:
            if not self.batches:
                self.batches.append([])
                raise Cancelled
            return super().log_probs_of(batch, checkpoint)

    processor, (first, second) = Leaving(), pieces(100, 100)
    ahead = LookAhead(processor)
    with pytest.raises(Cancelled):
        ahead.hear(first, [second], lambda: None)
    assert ahead.hear(second, [], lambda: None).log_probs[0, 0] == 100
    assert processor.batches == [[], [100]]


class Roomy(TorchAcoustics):
    """A GPU as far as the recogniser can tell."""

    def __init__(self, folder: ModelFolder) -> None:
        super().__init__(*load_modules(folder))
        self.batches: list[int] = []

    def room_samples(self) -> int:
        return 10**9

    def log_probs_of(self, batch: list[Samples], checkpoint: object) -> list[np.ndarray]:
        self.batches.append(len(batch))
        return super().log_probs_of(batch, checkpoint)


@pytest.mark.model
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU: none on this machine")
def test_the_real_gpu_hears_segments_together(starter: ModelFolder) -> None:
    recognizer = Recognizer(starter, RecognizerSettings(processor="cuda"))
    report = recognizer.load()
    assert recognizer.look_ahead == MOST_TOGETHER - 1, report.note
    clips = [read_clip(path) for path in CLIPS for _ in range(3)]
    wanted = [recognizer.recognize(clip).best.text for clip in clips]
    found = [recognizer.recognize(clip, upcoming=clips[place + 1 :]) for place, clip in enumerate(clips)]
    assert [one.best.text for one in found] == wanted
    assert {one.device for one in found} == {"cuda:0"}
    recognizer.close()


@pytest.mark.model
@pytest.mark.parametrize("model", ["starter", "letters"])
def test_the_words_are_the_same(model: str, request: pytest.FixtureRequest) -> None:
    """The real networks, the starter's with equal lengths only."""
    folder: ModelFolder = request.getfixturevalue(model)
    recognizer = Recognizer(folder, RecognizerSettings(processor="cpu", beam_width=20))
    recognizer.load()
    clips = [read_clip(path) for path in CLIPS]
    clips += [clips[0][:-1600], clips[1][:-800].copy()]
    wanted = [recognizer.recognize(clip).best for clip in clips]
    gpu = Roomy(folder)
    processor = Processor(gpu, lambda: gpu)
    processor.probe(clips[0], lambda *_: "", is_gpu_wanted=True)
    processor._chosen = ("cuda:0", "Fake GPU")
    assert recognizer.look_ahead <= 1  # on the CPU there is nothing to gain from more
    recognizer._processor, recognizer._ahead = processor, LookAhead(processor)
    assert recognizer.look_ahead == MOST_TOGETHER - 1
    found = [recognizer.recognize(clip, upcoming=clips[place + 1 :]) for place, clip in enumerate(clips)]
    assert [one.best.text for one in found] == [one.text for one in wanted]
    assert any(one.text for one in wanted)
    assert [one.best.score for one in found] == pytest.approx([one.score for one in wanted], abs=0.01)
    assert max(gpu.batches) > 1
    assert all(one.network_s > 0 for one in found)
    recognizer.close()
