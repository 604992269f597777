"""Speak sentences with espeak-ng, flite, SVOX Pico and festival into a corpus folder ``synthetic`` with a manifest.

Clip i depends on the sentences, the seed and i only, so an interrupted run goes on where it stopped, and one that asks
for more clips adds them. Clips of other sentences or another seed are refused, and so are those of an earlier version
that kept no record: the manifest is written anew, and nothing says that it fits them. The voices of the eval split
speak in no other split.
"""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
from asked import claim, digest_of
from corpus import read_lexicon, words_of

ESPEAK_VOICES = (
    "en-us",
    "en-gb",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-us-nyc",
    "en-029",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
)
# fmt: off
ESPEAK_VARIANTS = (
    "m1", "m2", "m3", "m4", "m5", "m6", "m8", "f1", "f2", "f3", "f5", "Alex", "Alicia", "Andrea", "Andy",
    "Annie", "Denis", "Diogo", "Gene", "Gene2", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen",
    "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed", "edward",
    "edward2", "iven", "iven2", "john", "kaukovalta", "klatt", "klatt2", "klatt3", "linda", "marcelo", "max",
    "michel", "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "steph", "travis", "victor", "zac",
)
# fmt: on
ESPEAK_EVAL_VOICES = ESPEAK_VOICES[:6]
ESPEAK_EVAL_VARIANTS = ("m7", "f4")
FLITE_VOICES = ("kal16", "rms", "slt")
FLITE_EVAL_VOICES = ("awb",)
FESTIVAL_VOICES = ("ked_diphone", "kal_diphone", "cmu_us_slt_arctic_hts")
PICO_VOICES = ("en-US", "en-GB")
PROGRAMS = 5 * ("espeak-ng",) + 4 * ("flite",) + 3 * ("pico2wave",) + ("festival",)
"""How often each speaks: espeak-ng has the most voices, and festival takes half a second to start."""
EVAL_PROGRAMS = ("flite", "espeak-ng")
LEAST_WORDS, MOST_WORDS = 3, 14


@dataclass(frozen=True)
class Utterance:
    """A sentence and the command that speaks it, without the place of the output.

    Attributes:
        text: The sentence.
        voice: Who speaks.
        command: Program and options; it reads the sentence from standard input.
        output_option: What comes before the place of the output.
        markup: What goes round the sentence there.
    """

    text: str
    voice: str
    command: tuple[str, ...]
    output_option: str
    markup: str = "{text}"


def draw_utterance(index: int, sentences: list[str], seed: int, is_eval: bool) -> Utterance:
    """Choose sentence, program, voice, speed and pitch of clip ``index``."""
    dice = random.Random(f"{seed}/{is_eval}/{index}")  # noqa: S311 - repeatable, no secret
    text = sentences[index % len(sentences)]
    program = dice.choice(EVAL_PROGRAMS if is_eval else PROGRAMS)
    if program == "flite":
        return _draw_flite(text, dice, FLITE_EVAL_VOICES if is_eval else FLITE_VOICES)
    if program == "festival":
        return _draw_festival(text, dice)
    if program == "pico2wave":
        return _draw_pico(text, dice)
    if is_eval:
        return _draw_espeak(text, dice, ESPEAK_EVAL_VARIANTS, ESPEAK_EVAL_VOICES)
    return _draw_espeak(text, dice, ESPEAK_VARIANTS, ESPEAK_VOICES)


def _draw_flite(text: str, dice: random.Random, voices: tuple[str, ...]) -> Utterance:
    voice, stretch = dice.choice(voices), dice.uniform(0.85, 1.15)
    command = ("flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}", "-f", "-")
    return Utterance(text, f"flite-{voice}", command, "-o")


def _draw_pico(text: str, dice: random.Random) -> Utterance:
    language, pitch, speed = dice.choice(PICO_VOICES), dice.randint(70, 130), dice.randint(80, 125)
    markup = f'<pitch level="{pitch}"><speed level="{speed}">{{text}}</speed></pitch>'
    return Utterance(text, f"pico-{language}", ("pico2wave", "-l", language), "-w", markup)


def _draw_festival(text: str, dice: random.Random) -> Utterance:
    voice, stretch = dice.choice(FESTIVAL_VOICES), dice.uniform(0.85, 1.15)
    script = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {stretch:.2f}))"
    return Utterance(text, f"festival-{voice}", ("text2wave", "-eval", script), "-o")


def _draw_espeak(text: str, dice: random.Random, variants: tuple[str, ...], voices: tuple[str, ...]) -> Utterance:
    variant = dice.choice(variants)
    voice = f"{dice.choice(voices)}+{variant}"
    words_per_minute, pitch = dice.randint(120, 190), dice.randint(30, 70)
    command = ("espeak-ng", "-v", voice, "-s", str(words_per_minute), "-p", str(pitch), "--stdin")
    return Utterance(text, f"espeak-{voice}", command, "-w")


def read_sentences(text: Path, lexicon: Path, seed: int) -> list[str]:
    """Sentences of a fitting length whose every word has a pronunciation, shuffled."""
    known = read_lexicon(lexicon)
    with text.open(encoding="utf-8") as stream:
        candidates = (words_of(line) for line in stream)
        chosen = {
            " ".join(words)
            for words in candidates
            if LEAST_WORDS <= len(words) <= MOST_WORDS and all(word in known for word in words)
        }
    sentences = sorted(chosen)
    random.Random(seed).shuffle(sentences)  # noqa: S311 - repeatable, no secret
    return sentences


@click.command()
@click.option("--text", type=click.Path(exists=True, path_type=Path), required=True, help="One sentence per line.")
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A corpus; gets the folder synthetic.")
@click.option("--clips", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--split", type=click.Choice(["train", "eval"]), default="train", show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(text: Path, lexicon: Path, output: Path, clips: int, split: str, seed: int) -> None:
    """Speak CLIPS sentences of TEXT."""
    for program in ("espeak-ng", "flite", "text2wave", "pico2wave"):
        if shutil.which(program) is None:
            packages = "espeak-ng flite festival festvox-kallpc16k festvox-kdlpc16k festvox-us-slt-hts libttspico-utils"
            raise click.ClickException(f"{program} is missing: apt install {packages}")
    sentences = read_sentences(text, lexicon, seed)
    if not sentences:
        raise click.ClickException(f"{text} has no sentence of {LEAST_WORDS} to {MOST_WORDS} known words.")
    folder = output / "synthetic"
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"--seed": seed, "--text": digest_of(text), "--lexicon": digest_of(lexicon)}
    claim(folder, split, ".wav", asked, is_unrecorded_trusted=False)
    utterances = [draw_utterance(index, sentences, seed, split == "eval") for index in range(clips)]
    with click.progressbar(list(enumerate(utterances)), label="Speaking", show_pos=True) as bar:
        for index, utterance in bar:
            _speak(utterance, folder / f"{split}-{index:06}.wav")
    _write_manifest(folder, split, utterances)


def _speak(utterance: Utterance, path: Path) -> None:
    """Write one clip unless it is there; a half-written one never gets the final name."""
    if path.exists():
        return
    partial = path.with_name(f"partial-{path.name}")  # Pico writes to a name with .wav alone
    command = [*utterance.command, utterance.output_option, str(partial)]
    read = utterance.markup.format(text=utterance.text)
    subprocess.run(command, input=read.encode(), check=True, capture_output=True)  # noqa: S603
    partial.rename(path)


def _write_manifest(folder: Path, split: str, utterances: list[Utterance]) -> None:
    """Put this split's rows into the manifest, keeping those of other splits."""
    manifest = folder / "manifest.tsv"
    head = ["path", "seconds", "speaker", "split", "text"]
    rows = []
    if manifest.exists():
        with manifest.open(encoding="utf-8") as stream:
            rows = [row for row in csv.reader(stream, delimiter="\t") if row[3] not in {split, "split"}]
    for index, utterance in enumerate(utterances):
        rows.append([f"{split}-{index:06}.wav", "", utterance.voice, split, utterance.text])
    with manifest.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t", lineterminator="\n").writerows([head, *rows])


if __name__ == "__main__":
    main()
