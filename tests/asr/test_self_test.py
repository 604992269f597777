"""The clip that a model is tried with."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dictation.asr import self_test
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.self_test import clip_to_hear, stand_in_clip
from dictation.core.errors import ModelDamaged
from dictation.core.records import SAMPLE_RATE_HZ
from tests.support.tiny_model import make_tiny_model


def write_clip(path: Path, level: float) -> None:
    with wave.open(str(path), "wb") as clip:
        clip.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
        clip.writeframes(np.full(100, 32768 * level, "<i2").tobytes())


def model(path: Path, language: str, level: float | None) -> ModelFolder:
    """A model folder, with its own clip of some level or without one."""
    folder = open_model_folder(make_tiny_model(path))
    if level is None:
        files = {role: file for role, file in folder.files.items() if role != "self_test_clip"}
        return replace(folder, language=language, files=files)
    write_clip(folder.required_file("self_test_clip"), level)
    return replace(folder, language=language)


def test_a_model_hears_its_own_clip_or_that_of_another_or_the_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = [
        model(tmp_path / "silent", "en", None),
        model(tmp_path / "german", "de", 0.25),
        model(tmp_path / "english", "en-GB", 0.5),
    ]
    monkeypatch.setattr(self_test, "find_models", lambda: installed)
    heard = {language: clip_to_hear(replace(installed[0], language=language)) for language in ("en", "de", "fr")}
    assert {language: (clip[0], is_speech) for language, (clip, is_speech) in heard.items()} == {
        "en": (0.5, True),
        "de": (0.25, True),
        "fr": (0.25, True),
    }
    assert clip_to_hear(installed[2])[0].tolist() == [0.5] * 100
    del installed[1:]
    clip, is_speech = clip_to_hear(installed[0])
    assert (clip.tolist(), is_speech) == (stand_in_clip().tolist(), False)


def test_a_damaged_clip_of_another_model_is_no_fault_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent, other = model(tmp_path / "silent", "en", None), model(tmp_path / "other", "en", 0.5)
    other.required_file("self_test_clip").write_bytes(b"torn")
    monkeypatch.setattr(self_test, "find_models", lambda: [silent, other])
    assert clip_to_hear(silent)[0].tolist() == stand_in_clip().tolist()
    with pytest.raises(ModelDamaged, match="not a readable WAV file"):
        clip_to_hear(other)
