"""A model folder whose labels are sounds, from its files to a search."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from dictation.asr.build_decoder import build_decoder
from dictation.asr.decoder import BeamDecoder
from dictation.asr.lexicon_decoder import LexiconDecoder
from dictation.asr.model_folder import ModelFolder, open_model_folder
from dictation.asr.ngrams import PersonalFiles
from dictation.core.errors import ModelDamaged
from dictation.core.settings import RecognizerSettings
from tests.support.arpa import arpa
from tests.support.phones import LABELS, LINES, hear
from tests.support.tiny_model import describe, make_tiny_model

RULES = "n N\no UW\n"
ARPA = arpa(
    {"</s>": (-1.0,), "<s>": (-99, -0.3), "<unk>": (-2.0,), "noon": (-0.5,)},
    {"<s> noon": -0.1},
)


def phone_model(path: Path, lexicon: str = LINES, rules: str = "") -> ModelFolder:
    make_tiny_model(path)
    table: dict[str, Any] = describe(path)
    table["labels"] = {"symbols": list(LABELS.symbols), "blank": LABELS.blank, "word_separator": ""}
    table["decoding"] = {"kind": "lexicon"}
    for role, text in (("lexicon", lexicon), ("letter_sounds", rules)):
        if text:
            data = text.encode()
            (path / f"{role}.txt").write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            table["files"][role] = {"name": f"{role}.txt", "size_bytes": len(data), "sha256": digest}
    (path / "model.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    return open_model_folder(path)


def test_the_kind_of_decoding_chooses_the_search(tmp_path: Path) -> None:
    letters, _ = build_decoder(open_model_folder(make_tiny_model(tmp_path / "letters")), None)
    sounds, remark = build_decoder(phone_model(tmp_path / "sounds"), None)
    assert isinstance(letters, BeamDecoder)
    assert isinstance(sounds, LexiconDecoder)
    assert remark == ""
    sounds.configure(RecognizerSettings(word_score=0.0))
    assert sounds.decode(hear("T UW - AA S"), 1.0, 100, 1)[0].text == "two us"


@pytest.mark.parametrize(("rules", "unspellable"), [("", ("Noon",)), (RULES, ())])
def test_unknown_hotwords_need_the_letter_sounds(tmp_path: Path, rules: str, unspellable: tuple[str, ...]) -> None:
    decoder, _ = build_decoder(phone_model(tmp_path / "sounds", rules=rules), None)
    decoder.configure(RecognizerSettings(word_score=0.0, hotwords=("Noon",)))
    assert decoder.unspellable_hotwords == unspellable


def test_a_personal_model_brings_its_new_words(tmp_path: Path) -> None:
    (tmp_path / "mine.arpa").write_text(ARPA, encoding="utf-8")
    (tmp_path / "words.txt").write_text("noon\n", encoding="utf-8")
    personal = PersonalFiles("mine", tmp_path / "mine.arpa", tmp_path / "words.txt", 0.5, "no")
    decoder, remark = build_decoder(phone_model(tmp_path / "sounds", rules=RULES), personal)
    assert remark == ""
    decoder.configure(RecognizerSettings(word_score=0.0, personal_model="mine"))
    assert decoder.decode(hear("N UW UW - UW N"), 1.0, 100, 1)[0].text == "noon"


def test_a_personal_model_of_other_letters_is_left_out_with_a_remark(tmp_path: Path) -> None:
    personal = PersonalFiles("mine", tmp_path / "mine.arpa", tmp_path / "words.txt", 0.5, "nö")
    decoder, remark = build_decoder(phone_model(tmp_path / "sounds"), personal)
    assert "spelled with other letters" in remark
    decoder.configure(RecognizerSettings(personal_model="mine"))


@pytest.mark.parametrize(
    ("lexicon", "rules", "words"),
    [
        ("sun S AA N\nsun S X\n", "", "Line 2 of the lexicon lexicon.txt has the sound 'X'"),
        (LINES, "n X\n", "Line 1 of the letter sounds letter_sounds.txt has the sound 'X'"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, lexicon: str, rules: str, words: str) -> None:
    with pytest.raises(ModelDamaged, match=words):
        build_decoder(phone_model(tmp_path / "sounds", lexicon, rules), None)
