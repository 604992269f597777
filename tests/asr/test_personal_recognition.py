"""A user's documents make the real model recognise their words, which it does not know.

The clips are espeak-ng 1.51, ``-v en-us -s 140``, at 16 kHz. None of their sentences is in the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dictation.asr.model_folder import ModelFolder
from dictation.asr.recognizer import Recognizer
from dictation.asr.self_test import read_clip
from dictation.core.settings import RecognizerSettings
from dictation.language.personal import build_personal_model
from dictation.language.store import personal_models_folder
from dictation.runtime.backends import real_backends
from dictation.runtime.personal_models import general_model

pytestmark = pytest.mark.model

DATA = Path(__file__).parent / "data"
PLAIN = RecognizerSettings(processor="cpu")
DOCUMENT = """\
A tokamak holds its plasma in a ring of strong magnets. The plasma of a stellarator is held by twisted coils alone.
The divertor takes the heat and the ash out of the plasma. A disruption of the tokamak can melt the divertor.

We measure the plasma with an interferometer and a bolometer. The bolometer sees how much the plasma radiates. Tungsten
tiles line the divertor of the tokamak. Cold gas protects the tungsten of the divertor.

The stellarator was fuelled with pellets. The interferometer counts the electrons of the plasma. The coils of the
stellarator are cooled with helium, and so are those of the tokamak in our hall.
"""
SAID = {
    "bolometer": "the interferometer and the bolometer see the plasma of the tokamak",
    "divertor": "the divertor of the stellarator is made of tungsten",
}


def load_with_document(model: ModelFolder, tmp_path: Path) -> Recognizer:
    """A model with a personal one made from the document, installed and found as the program does it."""
    (tmp_path / "fusion.txt").write_text(DOCUMENT, encoding="utf-8")
    report = build_personal_model((tmp_path / "fusion.txt",), "fusion", general_model(model))
    assert report.new_words >= 4
    settings = replace(PLAIN, model_path=str(model.path), personal_model="fusion")
    recognizer = real_backends().make_recognizer(settings)
    assert recognizer.load().is_ok
    assert recognizer.note == ""
    return recognizer


@pytest.fixture
def fusion(letters: ModelFolder, tmp_path: Path) -> Iterator[Recognizer]:
    """A model of letters with the document."""
    recognizer = load_with_document(letters, tmp_path)
    yield recognizer
    recognizer.close()


def test_jargon_is_recognised_with_the_personal_model_only(fusion: Recognizer) -> None:
    for name, text in SAID.items():
        samples = read_clip(DATA / f"{name}.wav")
        fusion.configure(PLAIN)
        plain = fusion.recognize(samples).best.text.split()
        fusion.configure(replace(PLAIN, personal_model="fusion"))
        assert fusion.recognize(samples).best.text == text
        assert len(set(text.split()) - set(plain)) >= 3


def test_a_model_of_sounds_learns_how_the_words_are_said(starter: ModelFolder, tmp_path: Path) -> None:
    recognizer = load_with_document(starter, tmp_path)
    samples = read_clip(DATA / "divertor.wav")
    with_document = recognizer.recognize(samples).best.text
    recognizer.configure(PLAIN)
    without = recognizer.recognize(samples).best.text
    recognizer.close()
    assert "the divertor of the stellarator is made of" in with_document
    assert not {"divertor", "stellarator"} & set(without.split())


def test_other_words_are_still_recognised(fusion: Recognizer) -> None:
    golden = DATA.parents[1] / "golden"
    for name in ("house", "meeting"):
        assert (
            fusion.recognize(read_clip(golden / f"{name}.wav")).best.text
            == (golden / f"{name}.txt").read_text().strip()
        )


@pytest.mark.parametrize("name", ["absent", "../starter"])
def test_a_personal_model_that_is_not_there_is_a_remark(starter: ModelFolder, name: str) -> None:
    settings = replace(PLAIN, model_path=str(starter.path), personal_model=name)
    recognizer = real_backends().make_recognizer(settings)
    assert recognizer.load().is_ok
    assert name in recognizer.note
    assert recognizer.recognize(read_clip(starter.required_file("self_test_clip"))).best.text == starter.self_test_text
    recognizer.close()


def test_a_damaged_personal_model_is_a_remark(fusion: Recognizer, letters: ModelFolder) -> None:
    path = personal_models_folder() / "fusion" / "model.bin"
    whole = path.read_bytes()
    path.unlink()  # the recogniser beside has it mapped
    path.write_bytes(whole[: len(whole) // 2])
    settings = replace(PLAIN, model_path=str(letters.path), personal_model="fusion")
    recognizer = real_backends().make_recognizer(settings)
    assert recognizer.load().is_ok
    assert "fusion is damaged" in recognizer.note
    assert "lm build" in recognizer.note
    recognizer.close()
