"""Everything that can go wrong and be said to a user.

    DictationError
    ├── AudioError
    │   ├── PortAudioMissing     the system library is not installed
    │   ├── NoInputDevice        nothing to record from
    │   ├── DeviceLost           the device vanished or stopped delivering
    │   ├── FormatRefused        the device takes none of the rates tried
    │   └── MicrophoneSilent     exact zeros: muted, or no permission
    ├── MediaError
    │   ├── MediaUnreadable      not a file FFmpeg can decode, or damaged
    │   └── NoAudioStream        a video or container without sound
    ├── ModelError
    │   ├── ModelMissing         no model folder found
    │   ├── ModelDamaged         size, hash or content is wrong
    │   ├── OnnxRuntimeMissing   the optional part that runs ONNX networks is not installed
    │   ├── ModelImportFailed    what was to be imported is unknown, damaged or does not fit together
    │   └── OutOfMemory          the GPU (or the machine) has no room
    ├── DocumentUnreadable       a document for a personal language model is damaged, locked or of no known kind
    ├── PersonalModelError
    │   ├── TooLittleText        the documents hold next to no sentences in the model's letters
    │   └── PersonalModelMissing no personal language model of that name, or a damaged one
    ├── LibraryError
    │   ├── CatalogueError       no model of that name to download, or a catalogue that cannot be used
    │   ├── NetworkForbidden     the user's settings say: never use the network
    │   ├── DownloadFailed       no connection, or an answer that is of no use
    │   ├── DownloadAltered      what came is not what the catalogue or an earlier download promises
    │   ├── NoSpace              the disk has no room for the model
    │   └── ModelNotRemovable    it came with the program, or is in use
    ├── SoundNotKept             speech that waits for its words cannot be written to the disk
    ├── InvalidAudio             non-finite or mis-shaped samples, refused at the door
    └── SettingsError            a value outside its range

Each carries a sentence for the user (``str(error)``) and a ``remedy``: what to do next. Anything else that is
raised is a bug. Error text never enters a transcript.
"""

from __future__ import annotations

from pathlib import Path


class DictationError(Exception):
    """Base of all errors with a user message and a remedy."""

    remedy = ""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        if remedy is not None:
            self.remedy = remedy


class AudioError(DictationError):
    """Something about the microphone."""


class PortAudioMissing(AudioError):
    """The PortAudio library could not be loaded."""

    remedy = "Install it (Debian and Ubuntu: sudo apt install libportaudio2) and start again. Files still work."


class NoInputDevice(AudioError):
    """No input device exists, or none by the chosen name."""

    remedy = "Plug in a microphone or choose another input; it will be found without a restart."


class DeviceLost(AudioError):
    """The device stopped delivering audio."""

    remedy = "Plug it back in or choose another input. The recording goes on when sound returns."


class FormatRefused(AudioError):
    """The device refused every sample rate tried."""

    remedy = "Close other programs that use the microphone, or choose another input."


class MicrophoneSilent(AudioError):
    """The device delivers exact zeros."""

    remedy = "Unmute the microphone, and allow this app to use it in the system's privacy settings."


class MediaError(DictationError):
    """Something about a file to transcribe."""


class MediaUnreadable(MediaError):
    """The file cannot be opened or decoded."""

    remedy = "Check that the file plays elsewhere; if it does, convert it to WAV or FLAC."


class NoAudioStream(MediaError):
    """The file has no sound in it."""

    remedy = "Choose a file with an audio track."


class ModelError(DictationError):
    """Something about the recognition model."""


class ModelMissing(ModelError):
    """No model folder was found."""

    remedy = "Put a model folder into models/ beside the program or into the user's data folder, or use --model."


class ModelDamaged(ModelError):
    """A file of the model is absent, truncated, altered or inconsistent."""

    remedy = "Copy or download the model again."


class OnnxRuntimeMissing(ModelError):
    """An ONNX network is to be run, but the library that runs such is not installed."""

    remedy = "Install it with the extra 'onnx' (uv sync --extra onnx, or pip install onnxruntime) and start again."


class ModelImportFailed(ModelError):
    """What was to be imported as a model cannot be; ``str(error)`` begins with the file and says why."""

    remedy = "Nothing was installed. docs/importing.md lists what can be imported and which files belong to it."

    def __init__(self, path: Path, why: str, remedy: str | None = None) -> None:
        super().__init__(f"{path}: {why}.", remedy)
        self.path = path


class OutOfMemory(ModelError):
    """The device ran out of memory."""

    remedy = "Close other programs that use the GPU, or choose the CPU or a smaller model."


class DocumentUnreadable(DictationError):
    """A document for a personal language model cannot be read."""

    remedy = "Check that it opens elsewhere; if it does, save it as plain text (UTF-8) and try again."


class PersonalModelError(DictationError):
    """Something about a personal language model."""


class TooLittleText(PersonalModelError):
    """The documents hold next to no sentences that the recognition model can spell."""

    remedy = "Add documents, and check that they are in the language of the recognition model."


class PersonalModelMissing(PersonalModelError):
    """There is no personal language model of that name, or its files are damaged."""

    remedy = "Build it again: dictation lm build. dictation lm list shows what there is."


class LibraryError(DictationError):
    """Something about fetching, installing or removing a model."""


class CatalogueError(LibraryError):
    """A key that the catalogue does not have, or a catalogue file that cannot be used."""

    remedy = "See what there is with: dictation models list"


class NetworkForbidden(LibraryError):
    """The network is wanted although the settings forbid it; no connection was tried."""

    remedy = "Allow it in the settings (network.is_allowed), or bring the model on a USB stick and import it."


class DownloadFailed(LibraryError):
    """The server cannot be reached, or its answer is of no use."""

    remedy = "What has come so far is kept: download the model again to go on from there."


class DownloadAltered(LibraryError):
    """A complete file is not the one that was promised, by size or by SHA-256."""

    remedy = "Nothing of it was kept. Try again, or choose another mirror."


class NoSpace(LibraryError):
    """The disk has too little room left."""

    remedy = "Free some space, or remove a model that you do not use."


class ModelNotRemovable(LibraryError):
    """The model came with the program or does not lie among the user's models."""

    remedy = "Choose another model instead; it does not have to be used."


class SoundNotKept(DictationError):
    """Speech that is not recognised yet cannot be written to the disk; only the memory holds it."""

    remedy = "The recording goes on, and its words appear as ever. Free some space on the disk."


class InvalidAudio(DictationError):
    """Samples that are not finite, mono, one-dimensional float32."""

    remedy = "This is a fault of the audio driver or file; try another input or convert the file."


class SettingsError(DictationError):
    """A setting outside its range or of the wrong type."""

    remedy = "The default is used instead."
