"""What several commands are tested with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dictation.audio.growing_wav import GrowingWav
from dictation.runtime.kept_sounds import make_run_folder, usual_root
from tests.support.synth import babble


@pytest.fixture
def kept() -> list[Path]:
    """Two utterances, of 0.5 s and 1.5 s, that a killed program has left."""
    folder = make_run_folder(usual_root())
    paths = []
    for segment_id in range(2):
        sound = folder.name_sound(segment_id, 16_000 * segment_id, 1_795_253_400.0 + segment_id)
        file = GrowingWav(sound.path)
        file.open()
        file.append(babble(0.5 + segment_id))
        file.close()
        paths.append(sound.path)
    folder._lock.unlock()
    return paths
