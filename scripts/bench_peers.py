"""The measured processes of ``scripts/bench peers``: this program and its peers on the same clips and weights.

Each system runs in a process of its own, on one thread, so that its peak memory is its own. Times are processor time:
what other programs do at the same time changes them little. Not for use by itself.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "models" / "recipe")]

import numpy as np  # noqa: E402
from corpus import read_clips, read_samples, words_of  # noqa: E402

from dictation.asr.build_decoder import build_decoder  # noqa: E402
from dictation.asr.lexicon_decoder import TOKENS_PER_HYPOTHESIS  # noqa: E402
from dictation.asr.model_folder import ModelFolder, open_model_folder  # noqa: E402
from dictation.asr.word_histories import NATS_PER_DECADE  # noqa: E402
from dictation.core.edit_distance import edit_distance  # noqa: E402
from dictation.core.records import SAMPLE_RATE_HZ, Samples  # noqa: E402
from dictation.core.settings import RecognizerSettings  # noqa: E402

if TYPE_CHECKING:
    from dictation.asr.decoder import LogProbs

SHARED = ROOT.parent / "shared"
LETTERS, STARTER = SHARED / "models" / "starter-v0", ROOT / "models" / "starter"
LETTERS_DESCRIPTION = ROOT / "tests" / "asr" / "data" / "starter-v0.toml"
SETTINGS = RecognizerSettings(processor="cpu")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LOUDNESS = 5000
"""Sets the logits of random weights so far apart that a beam search and a greedy one find the same letters."""
NO_CHANCE = -1e4
"""Log-probability of the silence that flashlight-text wants among the labels and this model does not have."""
BASE = {
    "conv_dim": [512] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
}
"""Sizes of wav2vec 2.0 base, in transformers' words."""
SHORTEST_S, LONGEST_S = 2.0, 10.0

Reader = Callable[[str], str]
"""Gives the text of a clip, by its name."""


@dataclasses.dataclass(frozen=True)
class System:
    """A measured system: what it is compared on, its name, the module it needs, and how it is set up in a folder."""

    task: str
    name: str
    module: str
    set_up: Callable[[Path], Reader]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What a system did: the texts and seconds of processor time by clip, seconds to set up, peak memory."""

    texts: dict[str, str]
    work_s: dict[str, float]
    set_up_s: float
    peak_mib: float


def app_on_samples(work: Path) -> Reader:
    """This program: front end, network and search without a language model, as for any imported model."""
    from dictation.asr.recognizer import Recognizer

    (folder,) = (work / "imported").iterdir()
    recognizer = Recognizer(open_model_folder(folder), SETTINGS)
    recognizer.load()
    samples = np.load(work / "samples.npz")
    return lambda clip: recognizer.recognize(samples[clip]).best.text


def pipeline_on_samples(work: Path) -> Reader:
    """The pipeline of transformers, greedy, with the same weights."""
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    torch.set_num_threads(1)
    pipeline = transformers.pipeline("automatic-speech-recognition", model=str(work / "source"), device="cpu")
    samples = np.load(work / "samples.npz")
    return lambda clip: str(pipeline(samples[clip])["text"])


def app_on_log_probs(work: Path, model: str) -> Reader:
    """This program's search for that model, with its language model and the settings' beam."""
    folder = open_model_folder(work / model)
    decoder, _ = build_decoder(folder, None)
    decoder.configure(folder.decoding.adapt(SETTINGS))
    log_probs = np.load(work / f"{model}.npz")
    return lambda clip: decoder.decode(log_probs[clip], 0.0, SETTINGS.beam_width, 1)[0].text


def pyctcdecode_on_log_probs(work: Path) -> Reader:
    """The search of pyctcdecode as its documentation sets it up, with the same weights, beam and pruning."""
    from pyctcdecode import build_ctcdecoder

    folder = open_model_folder(work / "letters")
    settings = folder.decoding.adapt(SETTINGS)
    decoder = build_ctcdecoder(
        ["" if symbol == folder.labels.blank else symbol for symbol in folder.labels.symbols],
        str(folder.required_file("language_model")),
        folder.required_file("unigrams").read_text(encoding="utf-8").split(),
        alpha=settings.lm_weight,
        beta=settings.word_score,
    )
    log_probs = np.load(work / "letters.npz")
    limits = {"beam_prune_logp": settings.beam_prune_logp, "token_min_logp": settings.token_min_logp}
    return lambda clip: str(decoder.decode(log_probs[clip], beam_width=settings.beam_width, **limits))


def flashlight_on_log_probs(work: Path, most_sounds: int | None = None) -> Reader:
    """The lexicon decoder of flashlight-text, with the same lexicon, language model, weights and hypotheses."""
    from flashlight.lib.text import decoder as flashlight
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary, create_word_dict, load_words

    folder = open_model_folder(work / "sounds")
    settings, symbols = folder.decoding.adapt(SETTINGS), folder.labels.symbols
    lexicon = load_words(str(folder.required_file("lexicon")))
    words = create_word_dict(lexicon)
    model = KenLM(str(folder.required_file("language_model")), words)
    silence, start = len(symbols), model.start(False)
    trie = flashlight.Trie(silence + 1, silence)
    labels = Dictionary([*symbols, "|"])
    for word, ways in lexicon.items():
        at = words.get_index(word)
        _, score = model.score(start, at)
        for way in ways:
            trie.insert([labels.get_index(sound) for sound in way], at, score)
    trie.smear(flashlight.SmearingMode.MAX)
    options = flashlight.LexiconDecoderOptions(
        beam_size=settings.beam_width * TOKENS_PER_HYPOTHESIS,
        beam_size_token=most_sounds or len(symbols),
        beam_threshold=-settings.beam_prune_logp,
        lm_weight=settings.lm_weight * NATS_PER_DECADE,
        word_score=settings.word_score,
        unk_score=-np.inf,
        sil_score=0.0,
        log_add=False,
        criterion_type=flashlight.CriterionType.CTC,
    )
    blank, unknown = folder.labels.blank_index, words.get_index("<unk>")
    search = flashlight.LexiconDecoder(options, trie, model, silence, blank, unknown, [], False)
    log_probs = np.load(work / "sounds.npz")

    def read(clip: str) -> str:
        heard = np.pad(log_probs[clip], ((0, 0), (0, 1)), constant_values=NO_CHANCE).astype(np.float32)
        found = search.decode(heard.ctypes.data, *heard.shape)[0]
        return " ".join(words.get_entry(word) for word in found.words if word >= 0)

    return read


SYSTEMS = (
    System("network", "this program", "torch", app_on_samples),
    System("network", "transformers pipeline", "transformers", pipeline_on_samples),
    System("letters", "this program", "pyctcdecode", lambda work: app_on_log_probs(work, "letters")),
    System("letters", "pyctcdecode", "pyctcdecode", pyctcdecode_on_log_probs),
    System("sounds", "this program", "kenlm", lambda work: app_on_log_probs(work, "sounds")),
    System("sounds", "flashlight-text", "flashlight", flashlight_on_log_probs),
    System(
        "sounds", "flashlight-text, 10 sounds a frame", "flashlight", lambda work: flashlight_on_log_probs(work, 10)
    ),
)
"""The first of each task is what the others are compared with."""


def choose_clips(most: int) -> dict[str, tuple[Samples, list[str]]]:
    """Development clips, by name their samples and words, spread over the corpora; the golden clips without those."""
    chosen: dict[str, tuple[Samples, list[str]]] = {}
    by_folder: dict[str, list[Any]] = {}
    for clip in read_clips(SHARED / "corpus", "dev"):
        by_folder.setdefault(clip.folder, []).append(clip)
    rows = [clip for row in zip(*by_folder.values(), strict=False) for clip in row]
    for clip in rows:
        samples = read_samples(clip.path)
        if SHORTEST_S <= len(samples) / SAMPLE_RATE_HZ <= LONGEST_S:
            chosen[f"{clip.folder}/{clip.path.stem}"] = samples, words_of(clip.text)
        if len(chosen) == most:
            return chosen
    for path in sorted((ROOT / "tests" / "golden").glob("*.wav"))[: most - len(chosen)]:
        chosen[path.stem] = read_samples(path), words_of(path.with_suffix(".txt").read_text(encoding="utf-8"))
    return chosen


def prepare(work: Path, most_clips: int, network_clips: int, *, is_small: bool) -> list[str]:
    """Write clips, models and what the trained networks hear in the clips; return the tasks that can be measured."""
    clips = choose_clips(most_clips)
    said = {name: (len(samples) / SAMPLE_RATE_HZ, words) for name, (samples, words) in clips.items()}
    (work / "said.json").write_text(json.dumps(said))
    np.savez(work / "samples.npz", **{name: samples for name, (samples, _) in list(clips.items())[:network_clips]})
    _make_random_network(work, is_small=is_small)
    tasks = ["network", "sounds"]
    (work / "sounds").symlink_to(STARTER)
    if LETTERS.exists():
        (work / "letters").mkdir()
        for file in LETTERS.iterdir():
            (work / "letters" / file.name).symlink_to(file)
        shutil.copyfile(LETTERS_DESCRIPTION, work / "letters" / "model.toml")
        tasks.insert(1, "letters")
    for model in tasks[1:]:
        heard = _hear(open_model_folder(work / model), [samples for samples, _ in clips.values()])
        np.savez(work / f"{model}.npz", **dict(zip(clips, heard, strict=True)))
    return tasks


def _make_random_network(work: Path, *, is_small: bool) -> None:
    """A wav2vec 2.0 network with random weights in transformers' layout, of the base size unless small; imported."""
    from dictation.asr.importing import import_model
    from tests.support.hugging_face import SMALL, write_folder

    source = write_folder(work / "source", loudness=LOUDNESS, **(SMALL if is_small else BASE))
    (work / "imported").mkdir()
    import_model(source, work / "imported", lambda _: None, lambda: False)


def _hear(folder: ModelFolder, clips: list[Samples]) -> Iterator[LogProbs]:
    """What a model's network hears in the clips."""
    from acoustics import Network

    network = Network(folder)
    for samples in clips:
        yield network.log_probs(samples)


def print_table(clips: int, network_clips: int, *, is_small: bool) -> None:
    """Measure everything and print; ``docs/benchmarks.md`` says what the columns mean."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        tasks = prepare(Path(folder), clips, network_clips, is_small=is_small)
        machine = f"{platform.machine()}, {cores} cores, Python {platform.python_version()}"
        print(f"{machine}, one thread, processor time, {datetime.now(timezone.utc):%Y-%m-%d}\n")
        print("| on | system | same text | words wrong | real-time factor | p50 / p95 | set-up | peak RSS |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for row in rows(Path(folder), tasks):
            print(f"| {' | '.join(row)} |", flush=True)


def measure(system: System, work: Path) -> Measured:
    """Set a system up and run it over the clips of its task, once before it counts."""
    started_s = time.process_time()
    read = system.set_up(work)
    set_up_s = time.process_time() - started_s
    clips = list(np.load(work / ("samples.npz" if system.task == "network" else f"{system.task}.npz")))
    read(clips[0])
    texts, work_s = {}, {}
    for clip in clips:
        started_s = time.process_time()
        texts[clip] = read(clip)
        work_s[clip] = time.process_time() - started_s
    return Measured(texts, work_s, set_up_s, _peak_mib())


def _peak_mib() -> float:
    """Most memory that this process ever had; getrusage would tell its parent's if that had more."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def measure_apart(system: System, work: Path) -> Measured | None:
    """The same in a process of its own; None, with a word on stderr, if what it needs is not installed."""
    if importlib.util.find_spec(system.module) is None:
        print(f"SKIPPED: {system.name} is not installed (uv sync --group peers)", file=sys.stderr)
        return None
    print(f"measuring {system.name} on {system.task} ...", file=sys.stderr)
    command = [sys.executable, str(Path(__file__)), str(SYSTEMS.index(system)), str(work)]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def rows(work: Path, tasks: list[str]) -> Iterator[tuple[str, ...]]:
    """Measure all and give the lines of the table."""
    said: dict[str, tuple[float, list[str]]] = json.loads((work / "said.json").read_text())
    for task in tasks:
        own: Measured | None = None
        for system in (one for one in SYSTEMS if one.task == task):
            found = measure_apart(system, work)
            if found is None:
                yield (task, system.name, "not installed", "", "", "", "", "")
                continue
            own = own or found
            yield (task, system.name, *_figures(found, own, said, is_trained=task != "network"))


def _figures(
    found: Measured, own: Measured, said: dict[str, tuple[float, list[str]]], *, is_trained: bool
) -> tuple[str, ...]:
    """Equal texts, word errors, real-time factor, latency, time to set up and memory, as the table writes them."""
    equal = sum(found.texts[clip].split() == own.texts[clip].split() for clip in found.texts)
    errors = sum(edit_distance(text.split(), said[clip][1]) for clip, text in found.texts.items())
    work_s = np.array(list(found.work_s.values()))
    middle_ms, high_ms = np.percentile(work_s * 1000, [50, 95])
    return (
        f"{equal} of {len(found.texts)}",
        f"{100 * errors / sum(len(said[clip][1]) for clip in found.texts):.1f} %" if is_trained else "random weights",
        f"{work_s.sum() / sum(said[clip][0] for clip in found.texts):.4f}",
        f"{middle_ms:.0f} / {high_ms:.0f} ms",
        f"{found.set_up_s:.1f} s",
        f"{found.peak_mib:.0f} MiB",
    )


if __name__ == "__main__":
    print(json.dumps(dataclasses.asdict(measure(SYSTEMS[int(sys.argv[1])], Path(sys.argv[2])))))
