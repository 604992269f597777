"""Which files are taken for audio or video, and how folders become lists of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dictation.core.errors import MediaUnreadable

AUDIO_SUFFIXES = (
    ".aac", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka", ".mp2", ".mp3",
    ".oga", ".ogg", ".opus", ".spx", ".tta", ".w64", ".wav", ".wma", ".wv",
)  # fmt: skip
VIDEO_SUFFIXES = (
    ".3g2", ".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf",
    ".ogv", ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip
MEDIA_SUFFIXES = frozenset(AUDIO_SUFFIXES + VIDEO_SUFFIXES)


def expand_path(path: Path) -> list[Path]:
    """Return the media files below a folder, or the path itself, whatever its suffix, if it is no folder.

    Raises:
        MediaUnreadable: the folder has none.
    """
    if not path.is_dir():
        return [path]
    found = list(media_files_in(path))
    if not found:
        raise MediaUnreadable(
            f"{path.name or path}: there is no audio or video file in this folder.", "Choose another folder."
        )
    return found


def media_files_in(folder: Path) -> Iterator[Path]:
    """Yield the audio and video files below a folder, sorted, folder by folder.

    Files are known by their suffix. Hidden files are left out (macOS puts ``._name`` beside ``name`` on foreign
    disks), links to folders are not followed, folders that may not be read are passed over.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in MEDIA_SUFFIXES:
                yield Path(place, name)
