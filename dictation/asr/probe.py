"""The child process that tests the GPUs: ``python -m dictation.asr.probe MODEL_FOLDER``. Its parent is ``hardware``.

A GPU driver can compute nonsense, hang or take its process down with it. So the first contact with it happens here, and
each step is announced before it is taken: whoever reads along knows what this process died of.

Each line on standard output that counts is ``PREFIX`` and a JSON object with the key ``say``: ``machine``, ``found``
(a GPU), ``testing``, ``tested``, ``done``. Everything else on it is somebody else's chatter.
"""

from __future__ import annotations

import argparse
import copy
import faulthandler
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from dictation.asr.hardware import PREFIX
from dictation.asr.processor import TorchAcoustics, load_modules
from dictation.asr.self_test import are_close

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs
    from dictation.asr.processor import Acoustics
    from dictation.core.records import Samples

PRECISIONS = ("float16", "float32")
"""Fastest first: half precision takes half the time and memory, and recognises the same."""
LIFE_S = 600
"""Whatever happens to the parent, this process does not live longer; the C thread that sees to it waits for nothing."""
_MEBIBYTE = 1 << 20


def main(arguments: Sequence[str] | None = None) -> None:
    """Test the GPUs with the model of a folder, or only list them without one."""
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(LIFE_S, exit=True, file=nowhere)
        _probe(arguments)
        faulthandler.cancel_dump_traceback_later()


def _probe(arguments: Sequence[str] | None) -> None:
    parser = argparse.ArgumentParser(prog="dictation-probe", description=__doc__)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--skip", action="append", default=[], help="a GPU not to touch again")
    options = parser.parse_args(arguments)
    cuda = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    say(
        "machine",
        torch_version=f"{torch.__version__}, {cuda}",
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        cpu_threads=torch.get_num_threads(),
    )
    gpus = find_gpus()
    if options.model and set(gpus) - set(options.skip):
        test_gpus([gpu for gpu in gpus if gpu not in options.skip], options.model)
    say("done")


def find_gpus() -> list[str]:
    """List the GPUs that torch finds, saying what is known of each; returns torch's names for them."""
    found = []
    for index in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(index)
        found.append(f"cuda:{index}")
        capability = f"{about.major}.{about.minor}"
        memory_mb = about.total_memory // _MEBIBYTE
        say("found", device=found[-1], name=about.name, memory_mb=memory_mb, capability=capability)
    if torch.backends.mps.is_available():
        found.append("mps")
        say("found", device="mps", name="Apple GPU", memory_mb=0, capability="")
    return found


def test_gpus(gpus: Sequence[str], model: Path) -> None:
    """Let each GPU hear the model's known clip and compare it with the CPU; say what came of it."""
    from dictation.asr.build_decoder import build_decoder
    from dictation.asr.model_folder import open_model_folder
    from dictation.asr.self_test import clip_to_hear
    from dictation.core.settings import RecognizerSettings

    folder = open_model_folder(model)
    if folder.is_for_cpu_only:
        return
    known_clip = folder.file("self_test_clip")
    clip, _ = clip_to_hear(folder)
    decoder, _ = build_decoder(folder, None)
    settings = folder.decoding.adapt(RecognizerSettings())
    decoder.configure(settings)
    front_end, network = load_modules(folder)
    wanted = TorchAcoustics(front_end, network).log_probs(clip, _no_checkpoint)

    def read_out(log_probs: LogProbs) -> str:
        return decoder.decode(log_probs, 0.0, settings.partial_beam_width, 1)[0].text if known_clip else ""

    for gpu in gpus:
        for precision in PRECISIONS:

            def open_gpu(device: str = gpu, chosen: str = precision) -> Acoustics:
                return TorchAcoustics(copy.deepcopy(front_end), copy.deepcopy(network), device, chosen)

            say("testing", device=gpu)
            fault, test_ms = try_out(open_gpu, clip, wanted, read_out)
            say("tested", device=gpu, precision="" if fault else precision, fault=fault, test_ms=test_ms)
            if not fault:
                break


def try_out(
    open_gpu: Callable[[], Acoustics], clip: Samples, wanted: LogProbs, read_out: Callable[[LogProbs], str]
) -> tuple[str, float]:
    """Let one GPU hear the clip twice.

    Args:
        open_gpu: Puts the network there.
        clip: What it hears.
        wanted: What the CPU heard.
        read_out: The words of log-probabilities.

    Returns:
        What is wrong (a phrase that follows the GPU's name; empty if all is well), and milliseconds of the second,
        warm run.
    """
    try:
        gpu = open_gpu()
        gpu.log_probs(clip, _no_checkpoint)
        started_s = time.perf_counter()
        heard = gpu.log_probs(clip, _no_checkpoint)
        test_ms = 1000 * (time.perf_counter() - started_s)
    except torch.OutOfMemoryError:
        return "has too little free memory for this model", 0.0
    except (RuntimeError, NotImplementedError) as error:  # what torch raises on behalf of drivers and missing kernels
        return f"failed its test ({type(error).__name__})", 0.0
    if not are_close(heard, wanted):
        return "computed other values than the CPU in its test", 0.0
    if read_out(heard) != read_out(wanted):
        return "gave a wrong text in its test", 0.0
    return "", test_ms


def say(what: str, **facts: object) -> None:
    """Tell the parent, at once; by descriptor, since a windowed frozen program has no ``sys.stdout``."""
    os.write(1, f"\n{PREFIX}{json.dumps({'say': what, **facts})}\n".encode())


def _no_checkpoint() -> None:
    """A test cannot be cancelled but by ending this process."""


if __name__ == "__main__":
    main()
