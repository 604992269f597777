"""A private PulseAudio whose default source is a virtual microphone: what a test plays is what it hears.

It needs no sound card, screen, D-Bus or configuration, works as root, and leaves the user's own sound alone.
The null sink runs at 16 kHz float32 mono, where capture through PortAudio is exact to the bit. Debian and
Ubuntu: ``apt install pulseaudio pulseaudio-utils libasound2-plugins libportaudio2``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

PROGRAMS = ("pulseaudio", "pactl", "pacat", "paplay", "parec")
SINK = "dictation_test"
RATE_HZ = 16_000
RAW = ("--raw", "--format=float32le", f"--rate={RATE_HZ}", "--channels=1")
ALSA_CONFIG = """\
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.pulse { type pulse }
ctl.pulse { type pulse }
"""
START_WITHIN_S = 20.0
PLAY_AHEAD = "--latency-msec=500"
"""The player's buffer: with 50 ms a busy machine tore holes into what was played. It delays nothing."""


class VirtualMicrophone:
    """Context manager around one daemon, which can be killed and restarted at the same address."""

    def __init__(self) -> None:
        self._home = Path()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._keep_awake: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_available() -> bool:
        """Whether PulseAudio's programs are installed."""
        return all(shutil.which(program) for program in PROGRAMS)

    def __enter__(self) -> VirtualMicrophone:  # noqa: PYI034 - typing.Self needs Python 3.11
        self._home = Path(tempfile.mkdtemp(prefix="virtual-mic-"))
        for name in ("pulse", "state"):
            (self._home / name).mkdir(mode=0o700)
        (self._home / "asound.conf").write_text(ALSA_CONFIG)
        try:
            self.restart()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def variables(self) -> dict[str, str]:
        """The variables that lead libpulse and ALSA to this daemon."""
        return {
            "XDG_RUNTIME_DIR": str(self._home),
            "PULSE_RUNTIME_PATH": str(self._home / "pulse"),
            "PULSE_STATE_PATH": str(self._home / "state"),
            "PULSE_COOKIE": str(self._home / "cookie"),
            "PULSE_SERVER": f"unix:{self._home}/pulse/native",
            "ALSA_CONFIG_PATH": f"/usr/share/alsa/alsa.conf:{self._home}/asound.conf",
        }

    def environment(self) -> dict[str, str]:
        """This process's environment with ``variables``: for programs that shall hear this microphone."""
        return {**os.environ, **self.variables}

    @property
    def is_running(self) -> bool:
        """Whether the daemon runs."""
        return self._daemon is not None and self._daemon.poll() is None

    def kill(self) -> None:
        """End the daemon with SIGKILL: what pulling out the plug looks like."""
        for process in (self._daemon, self._keep_awake):
            if process is not None:
                process.kill()
                process.wait()
        self._daemon = self._keep_awake = None

    def restart(self) -> None:
        """Start the daemon, which must not be running, and wait until its source delivers steadily."""
        socket = self._home / "pulse" / "native"
        socket.unlink(missing_ok=True)
        log = (self._home / "pulse.log").open("wb")
        with log:
            self._daemon = self._start(
                "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--disable-shm=yes", "--use-pid-file=no",
                "-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
                "-L", f"module-null-sink sink_name={SINK} rate={RATE_HZ} channels=1 format=float32le",
                stderr=log,
            )  # fmt: skip
        self._wait_for_answer()
        self._run("pactl", "set-default-sink", SINK)
        self._run("pactl", "set-default-source", f"{SINK}.monitor")
        # An idle null sink wakes only every 2 s; a silent low-latency stream keeps it awake.
        with Path("/dev/zero").open("rb") as zeros:
            self._keep_awake = self._start("pacat", "--latency-msec=20", f"--device={SINK}", *RAW, stdin=zeros)
        self._wait_until_awake()

    def play(self, path: Path, *, wait: bool = True) -> subprocess.Popen[bytes]:
        """Play a sound file into the microphone; ``wait`` returns when it has been played to the end."""
        process = self._start("paplay", PLAY_AHEAD, f"--device={SINK}", str(path))
        if wait and process.wait() != 0:
            raise RuntimeError(f"paplay could not play {path}")
        return process

    def play_samples(self, samples: npt.NDArray[np.float32]) -> None:
        """Play 16 kHz mono samples and return when they have been played; the first 1 to 3 ms may be cut off."""
        command = ["pacat", PLAY_AHEAD, f"--device={SINK}", *RAW]
        subprocess.run(command, env=self.environment(), input=samples.astype("<f4").tobytes(), check=True)

    def _start(self, *command: str, **streams: Any) -> subprocess.Popen[bytes]:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        environment = {**self.environment(), "HOME": str(self._home)}
        return subprocess.Popen(command, env=environment, **{**quiet, **streams})

    def _run(self, *command: str) -> None:
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)

    def _wait_for_answer(self) -> None:
        """Wait until the daemon answers."""
        deadline_s = time.monotonic() + START_WITHIN_S
        ask = ("pactl", "info")
        while subprocess.run(ask, env=self.environment(), capture_output=True, check=False).returncode:
            if not self.is_running or time.monotonic() > deadline_s:
                raise RuntimeError(f"pulseaudio does not start: {(self._home / 'pulse.log').read_text()}")
            time.sleep(0.02)

    def _wait_until_awake(self) -> None:
        """Record one second: the first frames of an idle sink come up to 2 s late, and later ones on time."""
        recorder = self._start("parec", "--latency-msec=20", f"--device={SINK}.monitor", *RAW, stdout=subprocess.PIPE)
        rescue = threading.Timer(START_WITHIN_S, recorder.kill)
        rescue.start()
        try:
            assert recorder.stdout is not None
            heard = recorder.stdout.read(4 * RATE_HZ)
        finally:
            rescue.cancel()
            recorder.kill()
            recorder.communicate()
        if len(heard) < 4 * RATE_HZ:
            raise RuntimeError("the virtual microphone delivers nothing")
