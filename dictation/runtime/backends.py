"""What a session needs from the outside world, so that tests can give it something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from dictation.core.errors import ModelMissing, PersonalModelError
from dictation.core.records import Recognition, Samples
from dictation.core.settings import AudioSettings, RecognizerSettings
from dictation.core.status import InputDevice, ModelChoice

if TYPE_CHECKING:
    from dictation.asr.model_folder import ModelFolder
    from dictation.asr.ngrams import PersonalFiles
    from dictation.asr.recognizer import Effort, LoadReport
    from dictation.audio.source import AudioSource


class RecognizerLike(Protocol):
    """The part of ``asr.recognizer.Recognizer`` that a session uses; its documentation is there."""

    @property
    def device_name(self) -> str:
        """Return ``"CPU"``, ``"CPU (bfloat16)"`` or the GPU's name."""

    @property
    def note(self) -> str:
        """Return a visible remark, such as a fallback to the CPU; empty in health."""

    @property
    def look_ahead(self) -> int:
        """Return how many pieces of audio it would like to know of that come next; any thread may ask."""

    def load(self) -> LoadReport:
        """Read the model and test it."""

    def configure(self, settings: RecognizerSettings) -> None:
        """Use other beam settings from the next call on."""

    def tend(self) -> None:
        """Do what waits for a quiet moment, between jobs."""

    def close(self) -> None:
        """Free the model."""

    def recognize(
        self,
        samples: Samples,
        effort: Effort = ...,
        is_cancelled: Callable[[], bool] = ...,
        upcoming: Sequence[Samples] = ...,
    ) -> Recognition:
        """Return the words of some audio."""


class UtteranceLike(Protocol):
    """One utterance that is recognised several times while it grows, at the cost of what is new."""

    def recognize(self, samples: Samples, effort: Effort = ..., is_cancelled: Callable[[], bool] = ...) -> Recognition:
        """Return the words of the utterance so far; the samples are those from its start."""


@runtime_checkable
class HearsUtterancesGrow(Protocol):
    """What a recogniser has besides, if its network keeps states; others recognise all of an utterance each time."""

    def begin_utterance(self) -> UtteranceLike:
        """Begin an utterance; the ones before may be forgotten."""


@dataclass(frozen=True)
class Backends:
    """Factories for the parts that touch hardware and files.

    Attributes:
        make_source: Makes an unopened audio source; cheap.
        list_inputs: Lists the input devices; may take long and raise ``AudioError``.
        refresh_inputs: Makes PortAudio look again; only while no source is open.
        make_recognizer: Finds the model and makes an unloaded recogniser; raises ``ModelError``.
        list_models: Lists installed models; reads a few small files.
    """

    make_source: Callable[[AudioSettings], AudioSource]
    list_inputs: Callable[[], tuple[InputDevice, ...]]
    refresh_inputs: Callable[[], None]
    make_recognizer: Callable[[RecognizerSettings], RecognizerLike]
    list_models: Callable[[], tuple[ModelChoice, ...]]


def real_backends(
    model_path: Path | None = None, remembered: str | None = None, *, waits_for_gpu: bool = True
) -> Backends:
    """The microphone and the installed models.

    Args:
        model_path: The folder given by ``--model``.
        remembered: The model in the settings file, in whose place ``model_path`` is used until the user chooses.
        waits_for_gpu: Whether loading waits until the GPUs are tested; a window does not.
    """

    def make_source(settings: AudioSettings) -> AudioSource:
        from dictation.audio.microphone import Microphone

        return Microphone(settings)

    def list_inputs() -> tuple[InputDevice, ...]:
        from dictation.audio.devices import list_inputs as list_devices

        return list_devices()

    def refresh_inputs() -> None:
        from dictation.audio.devices import refresh

        refresh()

    def make_recognizer(settings: RecognizerSettings) -> RecognizerLike:
        from dictation.asr.open_recognizer import open_recognizer

        is_given = model_path is not None and settings.model_path == remembered
        chosen = str(model_path) if is_given else settings.model_path
        personal, remark = _find_personal(settings.personal_model)
        folder = choose_model(chosen, model_path)
        return open_recognizer(folder, settings, personal, remark, waits_for_gpu=waits_for_gpu)

    def list_models() -> tuple[ModelChoice, ...]:
        from dictation.asr.model_folder import find_models

        return tuple(folder.choice() for folder in find_models(model_path))

    return Backends(make_source, list_inputs, refresh_inputs, make_recognizer, list_models)


def _find_personal(name: str) -> tuple[PersonalFiles | None, str]:
    """Find the files of a personal language model, or a remark why it is not used; no name asks for none."""
    from dictation.asr.ngrams import PersonalFiles
    from dictation.language.store import open_personal_model

    if not name:
        return None, ""
    try:
        model = open_personal_model(name)
    except PersonalModelError as error:
        return None, f"{error} It is not used."
    about = model.description
    return PersonalFiles(name, model.model_path, model.words_path, about.weight, about.letters), ""


def choose_model(chosen: str, given: Path | None = None) -> ModelFolder:
    """Open the chosen model; a remembered one that is gone gives way to the first that is found.

    Args:
        chosen: Path of its folder; empty takes the first that is found.
        given: The folder given on the command line, searched first.

    Raises:
        ModelMissing: if there is none at all.
        ModelDamaged: if the chosen one is there but not whole.
    """
    from dictation.asr.model_folder import find_models, open_model_folder

    if chosen and (Path(chosen) == given or Path(chosen).is_dir()):
        return open_model_folder(Path(chosen))
    models = find_models(given)
    if not models:
        raise ModelMissing("No recognition model was found.")
    return models[0]
