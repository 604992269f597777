"""The table of networks for scripts/bench: how fast each is by precision and batch, beside what the processor could do.

Only the starter has trained weights here; the others have the published sizes and random weights, which take as long.
What a random network says cannot be searched as speech can, so their search reads clear letters of that length instead.
docs/benchmarks.md says what each column means.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from dictation.asr.build_decoder import build_decoder  # noqa: E402
from dictation.asr.decoder import BeamDecoder  # noqa: E402
from dictation.asr.features import Waveform  # noqa: E402
from dictation.asr.front_end import WaveformParameters  # noqa: E402
from dictation.asr.half_products import HasHalfProducts  # noqa: E402
from dictation.asr.labels import Labels  # noqa: E402
from dictation.asr.model_folder import open_model_folder  # noqa: E402
from dictation.asr.network import ARCHITECTURES  # noqa: E402
from dictation.asr.processor import TorchAcoustics, is_out_of_memory, load_modules  # noqa: E402
from dictation.asr.self_test import read_clip  # noqa: E402
from dictation.asr.wav2vec2_parameters import Wav2Vec2Parameters  # noqa: E402
from dictation.core.records import SAMPLE_RATE_HZ, Samples  # noqa: E402
from dictation.core.settings import RecognizerSettings  # noqa: E402

LETTERS = Labels(("<pad>", "|", *"abcdefghijklmnopqrstuvwxyz'"), "<pad>", "|")
SENTENCE = "the words of a man who speaks at his ease are not hard to write down"
LETTERS_PER_S = 13
SURENESS = 0.95
FRAME_S = 0.02
BASE = Wav2Vec2Parameters(
    extractor_norm="group", extractor_channels=(512,) * 7, extractor_kernels=(10, 3, 3, 3, 3, 2, 2),
    extractor_strides=(5, 2, 2, 2, 2, 2, 2), extractor_bias=False, width=768, heads=12, ffn_width=3072, layers=12,
    position_kernel=128, position_groups=16, is_norm_first=False,
)  # fmt: skip
LARGE = replace(BASE, width=1024, heads=16, ffn_width=4096, layers=24)
SIZES = {
    "wav2vec 2.0 base": BASE,
    "wav2vec 2.0 large": LARGE,
    "HuBERT large": replace(LARGE, extractor_norm="layer", is_norm_first=True),
}
SMALL = {"extractor_channels": (16,) * 7, "width": 32, "heads": 2, "ffn_width": 64, "layers": 2, "position_kernel": 16}
"""Sizes that try this program out on any machine; their times mean nothing."""
HALF_PRODUCTS = "bfloat16-products"
"""What a CPU uses that is faster so: everything but the factors of the products in float32."""
MATRIX_SIZES = {"cuda": 8192, "cpu": 1024}
MATRIX_RUNS = 10


@dataclass(frozen=True)
class Row:
    """One network in one precision with one batch size.

    Attributes:
        model: Its name.
        precision: As torch calls it.
        batch: Utterances heard at once.
        network_ms: Median from samples to log-probabilities in the machine's memory, for the whole batch.
        search_ms: Median of the search for one utterance's words.
        audio_s: Seconds of one utterance.
        flops: Floating-point operations of the network for the batch; a multiplication with its addition is two.
        peak_flops: Per second, measured with a big matrix product in that precision.
        memory_mib: Most that the GPU's memory held meanwhile; 0 on the CPU.
    """

    model: str
    precision: str
    batch: int
    network_ms: float
    search_ms: float
    audio_s: float
    flops: float
    peak_flops: float
    memory_mib: float

    @property
    def limit_ms(self) -> float:
        """What the network would take at the speed of the matrix product."""
        return 1000 * self.flops / self.peak_flops

    @property
    def throughput(self) -> float:
        """Seconds of audio that the network hears in a second."""
        return 1000 * self.batch * self.audio_s / self.network_ms

    def cells(self) -> tuple[str, ...]:
        """The row as the table shows it; latency is a matter of single utterances."""
        total_ms = f"{self.network_ms + self.search_ms:.1f}" if self.batch == 1 else ""
        return (
            self.model, self.precision, f"{self.batch}", f"{self.network_ms:.1f}", f"{self.limit_ms:.2f}",
            f"{100 * self.limit_ms / self.network_ms:.0f} %", f"{self.search_ms:.1f}", total_ms,
            f"{1 / self.throughput:.5f}", f"{self.throughput:.0f}", f"{self.memory_mib:.0f}",
        )  # fmt: skip


HEADINGS = ("model", "precision", "batch", "network ms", "limit ms", "of limit", "search ms",
            "end of speech → text ms", "real-time factor", "s audio per s", "MiB")  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A model to measure: ``make`` puts it on a device in a precision, ``search`` finds the words of what it heard."""

    name: str
    make: Callable[[str, str], TorchAcoustics]
    search: Callable[[Any, float], object]


def subjects(*, is_small: bool) -> list[Subject]:
    """The networks of the table, the starter last."""
    found = []
    search = _letter_search()
    for name, published in SIZES.items():
        sizes = replace(published, **SMALL) if is_small else published

        def make(device: str, precision: str, sizes: Wav2Vec2Parameters = sizes) -> TorchAcoustics:
            with torch.device(device):
                network = ARCHITECTURES["wav2vec2"].build(sizes, 1, len(LETTERS)).eval()
            return _put(Waveform(WaveformParameters(SAMPLE_RATE_HZ, is_normalised=True)), network, device, precision)

        found.append(Subject(name, make, search))
    return [*found, _starter()]


def measure(
    chosen: Sequence[Subject], device: str, precisions: Sequence[str], batches: Sequence[int], audio_s: float, runs: int
) -> Iterator[Row | str]:
    """Yield a row for every combination, or a line that says why there is none."""
    clip = np.resize(read_clip(ROOT / "models" / "starter" / "reference.wav"), round(audio_s * SAMPLE_RATE_HZ))
    for precision in precisions:
        peak_flops = matrix_flops(device, precision)
        for subject in chosen:
            try:
                acoustics = subject.make(device, precision)
            except LookupError as error:
                yield f"{subject.name}, {precision}: {error.args[0]}"
                continue
            yield from (_try_one(subject, acoustics, (clip, batch, runs), peak_flops) for batch in batches)
            del acoustics


def matrix_flops(device: str, precision: str) -> float:
    """Floating-point operations per second in a product of two big square matrices, the best of several."""
    size = MATRIX_SIZES[torch.device(device).type]
    one = torch.randn(size, size, device=device).to(getattr(torch, precision.partition("-")[0]))
    return 2 * size**3 / min(_seconds(lambda: one @ one, device) for _ in range(MATRIX_RUNS))


def print_table(
    device: str, *, is_small: bool, batches: Sequence[int], precisions: Sequence[str], audio_s: float, runs: int
) -> None:
    """Measure and print, each row as soon as it is there."""
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else "CPU"
    print(f"{name}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads; utterances of {audio_s:g} s")
    if is_small:
        print("Small sizes: this tries the program out, and its times mean nothing.")
    print(f"\n| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    notes = []
    for row in measure(subjects(is_small=is_small), device, precisions, batches, audio_s, runs):
        if isinstance(row, str):
            notes.append(row)
        else:
            print(f"| {' | '.join(row.cells())} |", flush=True)
    print("", *notes, sep="\n")


def _put(front_end: nn.Module, network: nn.Module, device: str, precision: str) -> TorchAcoustics:
    """Put a network on a device in a precision; ``LookupError`` if it has none of that name."""
    if precision != HALF_PRODUCTS:
        return TorchAcoustics(front_end, network, device, precision)
    if device != "cpu" or not isinstance(network, HasHalfProducts):
        raise LookupError("for CPUs and networks that read the waveform.")
    acoustics = TorchAcoustics(front_end, network.with_half_products())
    acoustics.precision = precision
    return acoustics


def _try_one(
    subject: Subject, acoustics: TorchAcoustics, load: tuple[Samples, int, int], peak_flops: float
) -> Row | str:
    """Time one batch size, or say that the device is too small for it."""
    try:
        return _measure_one(subject, acoustics, load, peak_flops)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return f"{subject.name}, {acoustics.precision}, batch {load[1]}: the device has no room for it."


def _measure_one(subject: Subject, acoustics: TorchAcoustics, load: tuple[Samples, int, int], peak_flops: float) -> Row:
    """Time one batch size."""
    clip, batch, runs = load
    clips = [clip] * batch
    if acoustics.device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(acoustics.device)
    with FlopCounterMode(display=False) as counter:
        heard = _hear(acoustics, clips)
    network_s = statistics.median(_seconds(lambda: _hear(acoustics, clips), acoustics.device) for _ in range(runs))
    audio_s = len(clip) / SAMPLE_RATE_HZ
    search_s = statistics.median(_seconds(lambda: subject.search(heard[0], audio_s), "cpu") for _ in range(runs))
    is_cuda = acoustics.device.startswith("cuda")
    memory_mib = torch.cuda.max_memory_allocated(acoustics.device) / (1 << 20) if is_cuda else 0.0
    flops = float(counter.get_total_flops())
    return Row(
        subject.name, acoustics.precision, batch, 1000 * network_s, 1000 * search_s, audio_s, flops, peak_flops,
        memory_mib,
    )  # fmt: skip


def _hear(acoustics: TorchAcoustics, clips: list[Samples]) -> list[Any]:
    """As the program does: alone, or together."""
    if len(clips) == 1:
        return [acoustics.log_probs(clips[0], lambda: None)]
    return acoustics.log_probs_of(clips, lambda: None)


def _seconds(work: Callable[[], object], device: str) -> float:
    """How long some work takes until the device has done it."""
    _wait_for(device)
    started_s = time.perf_counter()
    work()
    _wait_for(device)
    return time.perf_counter() - started_s


def _wait_for(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _starter() -> Subject:
    """The model that comes with the program, with its own search."""
    folder = open_model_folder(ROOT / "models" / "starter")
    decoder, _ = build_decoder(folder, None)
    settings = RecognizerSettings()
    decoder.configure(folder.decoding.adapt(settings))

    def make(device: str, precision: str) -> TorchAcoustics:
        return _put(*load_modules(folder), device, precision)

    return Subject(folder.name, make, lambda heard, audio_s: decoder.decode(heard, audio_s, settings.beam_width, 5))


def _letter_search() -> Callable[[Any, float], object]:
    """A search of as many frames as were heard, that say clear letters; no language model."""
    decoder, settings = BeamDecoder(LETTERS, FRAME_S), RecognizerSettings()
    decoder.configure(settings)

    def search(heard: Any, audio_s: float) -> object:
        return decoder.decode(_clear_letters(len(heard), audio_s), audio_s, settings.beam_width, 5)

    return search


def _clear_letters(frames: int, audio_s: float) -> Any:
    """Log-probabilities (frames, labels) of a sentence over and over, a frame for each letter and blanks between."""
    every = max(1, round(frames / (audio_s * LETTERS_PER_S)))
    text = SENTENCE.replace(" ", "|") + "|"
    spoken = np.full(frames, LETTERS.blank_index)
    for turn, frame in enumerate(range(0, frames, every)):
        spoken[frame] = LETTERS.symbols.index(text[turn % len(text)])
    others = (1 - SURENESS) / (len(LETTERS) - 1)
    return np.log(np.where(np.arange(len(LETTERS)) == spoken[:, None], SURENESS, others)).astype(np.float32)
