"""KenLM's own ``build_binary``, for those who have it: a model that it packs is smaller and may be quantised.

KenLM's Python package reads models but cannot write them, so quantising is left to KenLM's program.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from dictation.core.errors import PersonalModelError

LEAST_BITS, MOST_BITS = 2, 16
_POLL_S = 0.1


def pack(arpa: Path, target: Path, programs: Path, quantise_bits: int, checkpoint: Callable[[], None]) -> None:
    """Turn an ARPA file into a KenLM trie. ``checkpoint`` is called ten times a second and may raise to cancel.

    Args:
        arpa: What to pack.
        target: The file to write.
        programs: Folder with ``build_binary``.
        quantise_bits: Bits per probability and back-off weight, 2 to 16; 0 keeps them exact.
        checkpoint: See above.

    Raises:
        PersonalModelError: if there is no such program or it fails; its own words are in the message.
    """
    program = shutil.which("build_binary", path=str(programs))
    if program is None:
        raise PersonalModelError(
            f"There is no program build_binary in {programs}.",
            "Build it from KenLM's sources, or leave --programs out.",
        )
    bits = ["-q", str(quantise_bits), "-b", str(quantise_bits)] if quantise_bits else []
    command = [program, *bits, "trie", str(arpa), str(target)]
    with subprocess.Popen(  # noqa: S603 - the user named the folder
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as running:
        try:
            output = _wait(running, checkpoint)
        except BaseException:
            running.kill()
            raise
    if running.returncode:
        raise PersonalModelError(f"build_binary failed: {output.strip()[-300:]}")


def _wait(running: subprocess.Popen[str], checkpoint: Callable[[], None]) -> str:
    """Return what the program said, when it ends."""
    while True:
        checkpoint()
        try:
            return running.communicate(timeout=_POLL_S)[1]
        except subprocess.TimeoutExpired:
            continue
