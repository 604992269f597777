"""The real program in a real window, used as a user does: mouse, keys, a voice, a dropped file, the clipboard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.desktop import Desktop, wait_until
from tests.support.pulse import VirtualMicrophone

pytestmark = [pytest.mark.portaudio, pytest.mark.model, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "models" / "starter" / "reference.wav"
CLIP_TEXT = "this is a test of the dictation program"
RECORD_BUTTON = (52, 48)
TRANSCRIPT = (640, 500)
SECOND_TAB = (180, 120)


def give_up(reason: str) -> None:
    if os.environ.get("DICTATION_REQUIRE_PORTAUDIO") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def microphone() -> Iterator[VirtualMicrophone]:
    if not VirtualMicrophone.is_available():
        give_up("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2")
    with VirtualMicrophone() as microphone:
        yield microphone


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    missing = Desktop.missing_programs()
    if missing:
        give_up(f"no {', '.join(missing)}: apt install xvfb xdotool xclip")
    with Desktop() as desktop:
        yield desktop


Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(desktop: Desktop, microphone: VirtualMicrophone, tmp_path: Path) -> Iterator[Start]:
    """Starts programs on the desktop; what still runs at the end is killed, with a screenshot to look at."""
    running: list[subprocess.Popen[bytes]] = []

    def run(*command: str) -> subprocess.Popen[bytes]:
        environment = {**microphone.environment(), **desktop.variables}
        log = (tmp_path / f"log{len(running)}.txt").open("wb")
        with log:
            running.append(subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log))
        return running[-1]

    yield run
    desktop.save_screenshot(tmp_path / "desktop.png")
    for program in running:
        program.kill()
        program.wait()


@pytest.fixture
def app(start: Start, desktop: Desktop, tmp_path: Path) -> subprocess.Popen[bytes]:
    app = start(sys.executable, "main.py", "--config", str(tmp_path / "settings"))
    wait_until(lambda: "Dictation" in desktop.titles(), 90, "the window")
    take_focus(desktop, TRANSCRIPT, "Dictation")
    return app


def take_focus(desktop: Desktop, place: tuple[int, int], title: str) -> None:
    """Click until the window has the keys: one that was just shown may not be ready for the first click."""
    wait_until(lambda: [desktop.click(*place), desktop.focused_title().startswith(title)][1], 20, f"focus on {title}")


def copied(desktop: Desktop) -> str:
    desktop.press("ctrl+shift+c")
    return desktop.clipboard()


def test_record_speak_read_copy_drop_and_quit(
    app: subprocess.Popen[bytes], start: Start, desktop: Desktop, microphone: VirtualMicrophone
) -> None:
    desktop.click(*RECORD_BUTTON)
    wait_until(lambda: "Dictation: listening" in desktop.titles(), 20, "the state “listening” in the title")
    microphone.play(CLIP)
    wait_until(lambda: copied(desktop) == CLIP_TEXT, 60, "the words in the clipboard")
    desktop.press("F9")
    wait_until(lambda: "Dictation" in desktop.titles(), 20, "the end of the recording")

    start(sys.executable, "tests/support/drag_source.py", "20", "800", str(CLIP))
    wait_until(lambda: "drag source" in desktop.titles(), 30, "the drag source")
    desktop.drag((60, 830), TRANSCRIPT)
    wait_until(lambda: [desktop.click(*SECOND_TAB), copied(desktop)][1] == CLIP_TEXT, 60, "the words of the file")

    app.send_signal(signal.SIGTERM)
    assert app.wait(60) == 0


def test_settings_survive_a_restart(
    app: subprocess.Popen[bytes], start: Start, desktop: Desktop, tmp_path: Path
) -> None:
    desktop.press("F8")
    desktop.press("ctrl+plus")
    wait_until(lambda: "panel_open = true" in saved(tmp_path), 20, "the open panel in the settings file")
    desktop.press("F7")
    wait_until(lambda: "Your words" in desktop.titles(), 20, "the window of words")
    take_focus(
        desktop, (400, 175), "Your words"
    )  # in its entry line; without a window manager a window lies where it asks to
    desktop.type_text("Quandt")
    desktop.press("Return")
    wait_until(lambda: "Quandt" in saved(tmp_path), 20, "the new word in the settings file")
    desktop.press("Escape")
    wait_until(lambda: "Your words" not in desktop.titles(), 20, "the window of words closed")
    app.send_signal(signal.SIGINT)
    assert app.wait(60) == 0
    again = start(sys.executable, "-m", "dictation", "--config", str(tmp_path / "settings"))
    wait_until(lambda: "Dictation" in desktop.titles(), 90, "the window again")
    take_focus(desktop, TRANSCRIPT, "Dictation")
    desktop.press("F8")
    wait_until(lambda: "panel_open = false" in saved(tmp_path), 20, "the closed panel in the settings file")
    assert "font_px = 19" in saved(tmp_path)
    assert "Quandt" in saved(tmp_path)
    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 0


def test_text_survives_kill_9(
    app: subprocess.Popen[bytes], start: Start, desktop: Desktop, microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    desktop.press("F9")
    wait_until(lambda: "Dictation: listening" in desktop.titles(), 20, "the state “listening” in the title")
    microphone.play(CLIP)
    wait_until(lambda: copied(desktop) == CLIP_TEXT, 60, "the words in the clipboard")
    draft = Path(os.environ["XDG_DATA_HOME"]) / "dictation" / "draft.txt"
    wait_until(lambda: draft.exists() and draft.read_text() == CLIP_TEXT, 5, "the words in the draft")
    app.kill()
    app.wait()
    start(sys.executable, "main.py", "--config", str(tmp_path / "settings"))
    wait_until(lambda: "Dictation" in desktop.titles(), 90, "the window again")
    take_focus(desktop, TRANSCRIPT, "Dictation")
    wait_until(lambda: copied(desktop) == CLIP_TEXT, 20, "the words of the killed program")


def test_the_sentence_being_spoken_survives_kill_9(
    app: subprocess.Popen[bytes], start: Start, desktop: Desktop, microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    desktop.press("F9")
    wait_until(lambda: "Dictation: listening" in desktop.titles(), 20, "the state “listening” in the title")
    player = microphone.play(CLIP, wait=False)
    sound = Path(os.environ["XDG_DATA_HOME"]) / "dictation" / "sound"
    wait_until(lambda: kept_s(sound) > 0.8 * length_s(CLIP), 30, "most of the sentence on the disk")
    app.kill()
    app.wait()
    player.wait()
    assert not (sound.parent / "draft.txt").exists()
    again = start(sys.executable, "main.py", "--config", str(tmp_path / "settings"))
    wait_until(lambda: "Dictation" in desktop.titles(), 90, "the window again")
    take_focus(desktop, TRANSCRIPT, "Dictation")
    wait_until(lambda: "recovered, spoken" in copied(desktop), 60, "the recovered words")
    text = copied(desktop).replace("\N{NO-BREAK SPACE}", " ").split("] ")[1]
    heard, spoken = text.split(), CLIP_TEXT.split()
    assert heard[:5] == spoken[:5], text
    wait_until(lambda: kept_s(sound) == 0, 10, "the sound deleted after its words were saved")
    assert text in (sound.parent / "draft.txt").read_text()
    again.send_signal(signal.SIGTERM)
    assert again.wait(60) == 0
    assert [path for path in sound.iterdir() if path.is_dir()] == []


def kept_s(sound: Path) -> float:
    """Seconds of speech on the disk: 16-bit mono at 16 kHz."""
    return sum(path.stat().st_size - 44 for path in sound.glob("*/*.wav")) / 32_000


def length_s(clip: Path) -> float:
    with wave.open(str(clip)) as reader:
        return reader.getnframes() / reader.getframerate()


def saved(folder: Path) -> str:
    path = folder / "settings" / "settings.toml"
    return path.read_text() if path.exists() else ""
