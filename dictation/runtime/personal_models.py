"""Personal language models for the installed recognition models: built, listed, removed. No Qt here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dictation.core.personal import BuildProgress, PersonalModelChoice, PersonalModelReport
from dictation.runtime.backends import choose_model

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.language.personal import GeneralModel


class PersonalModels:
    """The user's personal models on the disk. Thread: any; each call takes as long as it takes."""

    def list_models(self) -> tuple[PersonalModelChoice, ...]:
        """List what is installed, by name."""
        from dictation.language.store import list_personal_models

        return tuple(model.choice() for model in list_personal_models())

    def build(
        self,
        paths: tuple[Path, ...],
        name: str,
        model_path: str,
        progress: Callable[[BuildProgress], None],
        is_cancelled: Callable[[], bool],
    ) -> PersonalModelReport:
        """Build and install a model with the usual options; the arguments are ``build_personal_model``'s.

        ``model_path`` is the recognition model's folder; empty takes the first one found.

        Raises:
            DictationError: for documents, models and disks that will not do.
            BuildStopped: ``is_cancelled`` said yes; nothing is left.
        """
        from dictation.language.personal import BuildCancelled, build_personal_model
        from dictation.runtime.personal_library import BuildStopped

        general = general_model(choose_model(model_path))
        try:
            return build_personal_model(paths, name, general, progress=progress, is_cancelled=is_cancelled)
        except BuildCancelled as error:
            raise BuildStopped from error

    def remove(self, name: str) -> None:
        """Delete an installed model; raises ``PersonalModelError``."""
        from dictation.language.store import remove_personal_model

        remove_personal_model(name)


def general_model(folder: ModelFolder) -> GeneralModel:
    """What a personal model is built for: a recognition model's letters and language model.

    Raises:
        ModelDamaged: if the lexicon, whose words tell the letters of a model of sounds, cannot be read.
    """
    from dictation.asr.decoding import LEXICON
    from dictation.asr.lexicon import read_lexicon
    from dictation.language.personal import GeneralModel
    from dictation.language.text import Alphabet

    labels = folder.labels
    if folder.decoding.kind == LEXICON:
        letters = frozenset("".join(read_lexicon(folder.required_file("lexicon"), labels).words))
    else:
        letters = labels.letters
    return GeneralModel(folder.name, Alphabet(letters), folder.file("language_model"))
