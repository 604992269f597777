"""Where the settings file is, and how it is read and written; no Qt, so that the command line starts fast."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

from dictation.core.settings import Settings
from dictation.core.settings_toml import LoadedSettings, load_settings

FILE_NAME = "settings.toml"
DAMAGED_SUFFIX = ".damaged"
FOLDER_VARIABLE = "DICTATION_CONFIG_DIR"


def config_folder(chosen: Path | None = None) -> Path:
    """Where settings live: the folder chosen on the command line, else $DICTATION_CONFIG_DIR, else the system's."""
    if chosen is not None:
        return chosen
    from_environment = os.environ.get(FOLDER_VARIABLE)
    return Path(from_environment or platformdirs.user_config_dir("dictation", appauthor=False))


def read_settings(path: Path) -> LoadedSettings:
    """Read a settings file without changing anything; never raises. No file means defaults and no problems."""
    try:
        return load_settings(path.read_bytes())
    except FileNotFoundError:
        return LoadedSettings(Settings())
    except OSError as error:
        return LoadedSettings(Settings(), (f"The settings could not be read, defaults are used: {error}",))


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a crash or a full disk leaves either the old or the new content, never half of one.

    Raises:
        OSError: the folder cannot be made or written; the old file is untouched.
    """
    target = path.resolve()  # a settings file that is a link to a collection of dotfiles stays a link
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise
