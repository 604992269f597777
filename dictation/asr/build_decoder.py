"""Make the search that a model folder asks for, with the user's personal language model if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dictation.asr.decoding import LEXICON, Decoder
from dictation.core.errors import PersonalModelMissing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.ngrams import NgramSource, PersonalFiles, SingleModel


def build_decoder(folder: ModelFolder, personal: PersonalFiles | None) -> tuple[Decoder, str]:
    """Load lexicon and language models and make the search.

    Returns:
        The search, and a remark for the user if the personal model will not go and was left out; mostly empty.

    Raises:
        ModelDamaged: if a file of the folder cannot be used.
    """
    from dictation.asr.ngrams import load_ngrams

    path = folder.file("language_model")
    ngrams = load_ngrams(path, folder.file("unigrams")) if path else None
    if folder.decoding.kind == LEXICON:
        return _build_lexicon_decoder(folder, ngrams, personal)
    from dictation.asr.decoder import BeamDecoder

    mixed, remark = _mix(ngrams, personal, folder.labels.letters)
    return BeamDecoder(folder.labels, folder.frame_s, ngrams, folder.first_frame_s, mixed), remark


def _build_lexicon_decoder(
    folder: ModelFolder, ngrams: SingleModel | None, personal: PersonalFiles | None
) -> tuple[Decoder, str]:
    """The search of a model whose labels are sounds."""
    from dictation.asr.letter_sounds import LetterSounds, read_letter_sounds
    from dictation.asr.lexicon import read_lexicon
    from dictation.asr.lexicon_decoder import LexiconDecoder

    lexicon = read_lexicon(folder.required_file("lexicon"), folder.labels)
    mixed, remark = _mix(ngrams, personal, set("".join(lexicon.words)))
    words = personal.words_path.read_text(encoding="utf-8").split() if personal and mixed else []
    rules = folder.file("letter_sounds")
    speller = read_letter_sounds(rules, folder.labels) if rules else LetterSounds({})
    frames = folder.frame_s, folder.first_frame_s
    return LexiconDecoder(folder.labels, lexicon, frames, ngrams, mixed, words, speller.say), remark


def _mix(
    ngrams: SingleModel | None, personal: PersonalFiles | None, letters: Iterable[str]
) -> tuple[NgramSource | None, str]:
    """The personal model mixed in, if there is one; a remark instead if it cannot be."""
    from dictation.asr.ngrams import mix_in

    if personal is None:
        return None, ""
    try:
        return mix_in(ngrams, personal, letters), ""
    except PersonalModelMissing as error:
        return None, f"{error} {error.remedy}"
