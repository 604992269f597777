"""Build the n-gram language model and the app's lexicon from text, with KenLM's lmplz and build_binary.

Build the two programs from the sources in PyPI's kenlm sdist (cmake, Debian's libboost-all-dev): PyPI's wheel has only
the reader. A source read twice counts twice, which is how the mix of domains is set (tune_mix.py).
"""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from corpus import Lexicon, read_lexicon, words_of

MOST_HOMOPHONES = 6
"""The search keeps no more words per pronunciation; the most frequent ones stay."""
MOST_QUANTISATION_BITS = 8


def read_lines(path: Path) -> Iterator[list[str]]:
    """Yield the normalised sentences of a text file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as stream:
        for line in stream:
            if words := words_of(line):
                yield words


def read_mix(repeats: Path | None, texts: Sequence[Path]) -> dict[str, int]:
    """How often each text is read; a text that a mix does not name is no part of it, nor is one that is not there."""
    if repeats is None:
        return dict.fromkeys((path.name for path in texts), 1)
    often = {str(name): int(times) for name, times in json.loads(repeats.read_text(encoding="utf-8")).items()}
    given = {path.name for path in texts}
    if unknown := sorted(given - often.keys()):
        message = f"{repeats} does not say how often to read {', '.join(unknown)}; leave them out or add them there"
        raise click.ClickException(message)
    if missing := sorted(often.keys() - given):
        message = f"{repeats} names {', '.join(missing)}, which were not given"
        raise click.ClickException(message)
    return often


def write_sentences(target: Path, texts: Sequence[Path], often: dict[str, int], lexicon: Lexicon) -> Counter[str]:
    """Write each text as often as the mix says, and count its words once.

    A text that is left out still gives its words, each as one sentence: what the lexicon knows, the n-grams must have
    seen, else it can be recognised but is never likely.
    """
    counts, left_out = Counter[str](), set[str]()
    with target.open("w", encoding="utf-8") as stream, click.progressbar(texts, label="Reading") as bar:
        for path in bar:
            times = often[path.name]
            for words in read_lines(path):
                stream.write((" ".join(words) + "\n") * times)
                if times:
                    counts.update(words)
                else:
                    left_out.update(words)
        rare = sorted(word for word in left_out if word in lexicon and word not in counts)
        stream.writelines(f"{word}\n" for word in rare)
    counts.update(rare)
    return counts


def choose_pronunciations(counts: Counter[str], pronunciations: Lexicon, least_count: int) -> list[str]:
    """Lines of the app's lexicon, frequent words first: every known word seen often enough, homophones limited."""
    taken: Counter[tuple[str, ...]] = Counter()
    lines = []
    for word, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if count < least_count:
            break
        for phones in pronunciations.get(word, []):
            taken[phones] += 1
            if taken[phones] <= MOST_HOMOPHONES:
                lines.append(f"{word} {' '.join(phones)}")
    return lines


@click.command()
@click.argument("texts", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--lexicon", type=click.Path(exists=True, path_type=Path), required=True, help="In CMU's format.")
@click.option("--programs", type=click.Path(exists=True, path_type=Path), required=True, help="Folder with lmplz.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="Gets lm.bin and lexicon.txt.")
@click.option("--order", default=4, show_default=True)
@click.option("--prune", default="0 1 2 3", show_default=True, help="lmplz's thresholds.")
@click.option("--least-count", default=1, show_default=True, help="Words seen less often stay out.")
@click.option("--memory", default="2G", show_default=True, help="lmplz's share.")
@click.option("--repeats", type=click.Path(exists=True, path_type=Path), help="By tune_mix.py; else each text once.")
def main(
    texts: tuple[Path, ...],
    lexicon: Path,
    programs: Path,
    output: Path,
    order: int,
    prune: str,
    least_count: int,
    memory: str,
    repeats: Path | None,
) -> None:
    """Count TEXTS into an n-gram model with modified Kneser-Ney smoothing, quantised to 8 bits.

    A text that the mix repeats 0 times still gives its words, each as one sentence. The mix names every text.

    Leave out text that overlaps what the model is scored on (common_voice with eval-real).
    """
    output.mkdir(parents=True, exist_ok=True)
    pronunciations = read_lexicon(lexicon)
    often = read_mix(repeats, texts)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        counts = write_sentences(work / "text", texts, often, pronunciations)
        lines = choose_pronunciations(counts, pronunciations, least_count)
        (output / "lexicon.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        vocabulary = dict.fromkeys(line.split()[0] for line in lines)
        (work / "vocabulary").write_text(" ".join(vocabulary), encoding="utf-8")
        click.echo(f"{sum(counts.values()):,} words of text, {len(vocabulary):,} in the vocabulary")
        estimate(work, programs, order, prune, memory)
        _pack(work, output, programs)


def estimate(work: Path, programs: Path, order: int, prune: str, memory: str) -> None:
    """Turn ``work/text`` into ``work/arpa``, limited to the words of ``work/vocabulary`` if that is there."""
    options = ["-o", str(order), "-S", memory, "-T", str(work), "--prune", *prune.split()]
    if (work / "vocabulary").exists():
        options += ["--limit_vocab_file", str(work / "vocabulary")]
    small = ["--discount_fallback"]  # lets miniature texts through; without effect on large ones
    with (work / "text").open("rb") as text, (work / "arpa").open("wb") as arpa:
        _run([str(programs / "lmplz"), *options, *small], stdin=text, stdout=arpa)


def _pack(work: Path, output: Path, programs: Path) -> None:
    """Make the ARPA file a small binary one; lm.bin gets its name when it is whole."""
    packed = work / "lm.bin"
    bits = str(MOST_QUANTISATION_BITS)
    _run([str(programs / "build_binary"), "-a", "64", "-q", bits, "-b", bits, "trie", str(work / "arpa"), str(packed)])
    shutil.move(packed, output / "lm.bin")


def _run(command: list[str], **streams: object) -> None:
    """Run a program; its own words explain a failure."""
    streams.setdefault("stdout", subprocess.DEVNULL)
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, **streams)  # type: ignore[call-overload]  # noqa: S603
    if done.returncode:
        raise click.ClickException(f"{Path(command[0]).name} failed: {done.stderr.decode()[-500:]}")


if __name__ == "__main__":
    main()
