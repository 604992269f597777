"""Build a personal language model: documents in, a tuned and installed n-gram model out. Nothing leaves the machine."""

from __future__ import annotations

import datetime as dt
import logging
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dictation.core.errors import DocumentUnreadable, PersonalModelError, TooLittleText
from dictation.core.personal import BuildProgress, BuildStage, PersonalModelReport
from dictation.language.arpa import write_arpa
from dictation.language.documents import find_documents, read_document
from dictation.language.kenlm_binary import CannotPack, write_binary
from dictation.language.kenlm_programs import LEAST_BITS, MOST_BITS, pack
from dictation.language.mixture import (
    FIRST_WEIGHT,
    LEAST_WEIGHT,
    MOST_WEIGHT,
    Mixture,
    in_case_of,
    open_kenlm,
    perplexity,
    tune,
    word_probabilities,
)
from dictation.language.ngram import RESERVED_WORDS, UNKNOWN, NgramModel, NgramOptions, encode, estimate, probabilities
from dictation.language.store import (
    ARPA_FILE,
    BINARY_FILE,
    FORMAT_VERSION,
    WORDS_FILE,
    PersonalDescription,
    check_name,
    new_model_folder,
    write_description,
)
from dictation.language.text import Alphabet, split_sentences

LEAST_WORDS = 20
"""Less text than this is taken for a mistake."""
LEAST_HELD_OUT_WORDS = 20
"""With less held-out text its perplexity says nothing, and the weight stays at ``FIRST_WEIGHT``."""
MOST_HELD_OUT = 0.5
LARGE_TEXT_WORDS = 300_000
"""Above this, sequences of three and more words that were seen once are forgotten unless the user says otherwise: they
are most of the model and tell least, and each takes 24 bytes of memory and disk."""

_ENDS = {BuildStage.READING: 0.5, BuildStage.COMPARING: 0.75, BuildStage.COUNTING: 0.85}
"""What share of the work is done when a stage ends, writing being the last."""
_ESTIMATE_SHARE = 0.1

Sentences = list[list[str]]

_log = logging.getLogger(__name__)


class BuildCancelled(Exception):
    """The caller's ``is_cancelled`` said so; not an error that a user sees."""


@dataclass(frozen=True)
class GeneralModel:
    """The recognition model that the personal one is mixed with.

    Attributes:
        name: As the user knows it.
        alphabet: Its letters.
        path: Its KenLM file; None if it has none, and the personal model then works alone.
    """

    name: str
    alphabet: Alphabet
    path: Path | None


@dataclass(frozen=True)
class BuildOptions:
    """How to build.

    Attributes:
        order: Longest word sequence counted, 2 to 5.
        prune: As in ``NgramOptions``; None prunes texts of over ``LARGE_TEXT_WORDS`` words by 0 0 1.
        held_out: Share of the sentences kept apart to tune the weight and measure perplexity, 0 to 0.5.
        weight: Share of the personal model in the mixture, ``LEAST_WEIGHT`` to ``MOST_WEIGHT``; None finds the best.
        programs: Folder with KenLM's ``build_binary``, to pack the model smaller than it is without.
        quantise_bits: With ``programs``: bits per number, 2 to 16; 0 keeps them exact.
    """

    order: int = 3
    prune: tuple[int, ...] | None = None
    held_out: float = 0.1
    weight: float | None = None
    programs: Path | None = None
    quantise_bits: int = 0

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        self.ngrams(0)
        if not 0 <= self.held_out <= MOST_HELD_OUT:
            raise ValueError(f"the held-out share must lie in 0 to {MOST_HELD_OUT}")
        if self.weight is not None and not LEAST_WEIGHT <= self.weight <= MOST_WEIGHT:
            raise ValueError(f"the weight must lie in {LEAST_WEIGHT} to {MOST_WEIGHT}")
        if self.quantise_bits and self.programs is None:
            raise ValueError("quantising needs KenLM's build_binary: name its folder with --programs")
        if self.quantise_bits and not LEAST_BITS <= self.quantise_bits <= MOST_BITS:
            raise ValueError(f"quantising takes {LEAST_BITS} to {MOST_BITS} bits")

    def ngrams(self, words: int) -> NgramOptions:
        """What to count in a text of so many words."""
        automatic = (0, 0, 1)[: self.order] if words > LARGE_TEXT_WORDS else (0,)
        return NgramOptions(self.order, automatic if self.prune is None else self.prune)


@dataclass
class _Reading:
    """What the documents gave."""

    sentences: Sentences = field(default_factory=list)
    words: int = 0
    skipped_words: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, paragraph: str, alphabet: Alphabet) -> None:
        """Take over the sentences of a paragraph that have words in these letters."""
        for text in split_sentences(paragraph):
            sentence = alphabet.words(text)
            skipped = sentence.count(UNKNOWN)
            self.skipped_words += skipped
            if skipped < len(sentence):
                self.sentences.append(sentence)
                self.words += len(sentence) - skipped


def build_personal_model(
    paths: tuple[Path, ...],
    name: str,
    general: GeneralModel,
    options: BuildOptions | None = None,
    root: Path | None = None,
    progress: Callable[[BuildProgress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> PersonalModelReport:
    """Build and install a personal model; one of the same name is replaced when the new one is whole. Thread: any.

    A document that cannot be read is left out and named in the report. The weight is tuned with a model of the other
    sentences; what is installed is then estimated from all of them.

    Args:
        paths: Documents, and folders with documents.
        name: What to call it.
        general: What it is mixed with; tells the letters too.
        options: Order, pruning, held-out share, packing.
        root: Folder to install into instead of the user's.
        progress: Called often, in this thread.
        is_cancelled: Asked often.

    Raises:
        BuildCancelled: ``is_cancelled`` said yes; nothing is left behind.
        TooLittleText: the documents hold fewer than ``LEAST_WORDS`` words in the model's letters.
        DocumentUnreadable: the only document cannot be read.
        PersonalModelError: the name cannot be one, KenLM cannot read the general model, or nothing can be written.
    """
    check_name(name)
    build = _Build(general, options or BuildOptions(), progress, is_cancelled)
    reading = build.read(paths)
    build.settle_case(reading.sentences)
    mixture, held_out_sentences = build.compare(reading.sentences)
    model = build.estimate(reading.sentences, BuildStage.COUNTING)
    vocabulary = model.words[len(RESERVED_WORDS) :]
    report = PersonalModelReport(
        name=name,
        words=reading.words,
        sentences=len(reading.sentences),
        vocabulary=len(vocabulary),
        new_words=build.count_new(vocabulary),
        skipped_words=reading.skipped_words,
        order=len(model.levels),
        ngrams=tuple(len(level) for level in model.levels),
        weight=mixture.weight,
        perplexity_before=_measured(mixture.perplexity_before),
        perplexity_after=_measured(mixture.perplexity_after),
        held_out_sentences=held_out_sentences,
        problems=tuple(reading.problems),
    )
    with new_model_folder(name, root) as folder:
        model_file = build.write(model, folder)
        (folder / WORDS_FILE).write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
        write_description(folder, _describe(report, model_file, general))
        build.checkpoint()
    progress(BuildProgress(BuildStage.WRITING, 1.0))
    return report


class _Build:
    """One build: its choices, its progress, and the general model once it is loaded."""

    def __init__(
        self,
        general: GeneralModel,
        options: BuildOptions,
        progress: Callable[[BuildProgress], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._alphabet = general.alphabet
        self._options = options
        self._progress = progress
        self._is_cancelled = is_cancelled
        self._general = _load_general(general.path) if general.path else None

    def checkpoint(self) -> None:
        """Raise ``BuildCancelled`` if that was asked for."""
        if self._is_cancelled():
            raise BuildCancelled

    def read(self, paths: tuple[Path, ...]) -> _Reading:
        """Read all documents into sentences of spelled words."""
        documents = find_documents(paths)
        sizes = [path.stat().st_size if path.is_file() else 0 for path in documents]
        done, total, reading = 0, max(1, sum(sizes)), _Reading()
        for path, size_bytes in zip(documents, sizes, strict=True):
            share = _ENDS[BuildStage.READING] * done / total
            self._progress(BuildProgress(BuildStage.READING, share, path.name))
            try:
                for paragraph in read_document(path):
                    self.checkpoint()
                    reading.add(paragraph, self._alphabet)
            except DocumentUnreadable as error:
                if len(documents) == 1:
                    raise
                reading.problems.append(str(error))
            done += size_bytes
        if reading.words < LEAST_WORDS:
            problems = "".join(f" {problem}" for problem in reading.problems)
            raise TooLittleText(f"There are only {reading.words} usable words in the documents.{problems}")
        return reading

    def settle_case(self, sentences: Sentences) -> None:
        """Find out whether the general model's words are in upper case, whatever the letters of the labels."""
        if self._general is not None:
            self._general = in_case_of(self._general, {word for sentence in sentences for word in sentence})

    def compare(self, sentences: Sentences) -> tuple[Mixture, int]:
        """Tune the weight on held-out sentences; also return how many there were, 0 if too few to measure."""
        kept, held_out = _split(sentences, self._options.held_out)
        fixed = self._options.weight
        alone = 1.0 if self._general is None else fixed or FIRST_WEIGHT
        untuned = Mixture(alone, math.nan, math.nan)
        if not kept or sum(map(len, held_out)) < LEAST_HELD_OUT_WORDS:
            return untuned, 0
        model = self.estimate(kept, BuildStage.COMPARING)
        personal = probabilities(model, held_out)
        if self._general is None:
            return Mixture(alone, math.nan, perplexity(personal[personal > 0])), len(held_out)
        general = word_probabilities(self._general, held_out, self.checkpoint)
        return tune(personal, general, fixed), len(held_out)

    def estimate(self, sentences: Sentences, stage: BuildStage) -> NgramModel:
        """Estimate a model of some sentences."""
        self._progress(BuildProgress(stage, _ENDS[stage] - _ESTIMATE_SHARE))
        words = sum(map(len, sentences))
        return estimate(encode(sentences), self._options.ngrams(words), self.checkpoint)

    def count_new(self, vocabulary: tuple[str, ...]) -> int:
        """Count the words that the general model does not know."""
        return sum(self._general is None or word not in self._general for word in vocabulary)

    def write(self, model: NgramModel, folder: Path) -> str:
        """Write the model as a KenLM binary, or as ARPA if that cannot be; return the name of the file."""
        self._progress(BuildProgress(BuildStage.WRITING, _ENDS[BuildStage.COUNTING]))
        arpa = folder / ARPA_FILE
        write_arpa(model, arpa, self.checkpoint)
        binary, programs = folder / BINARY_FILE, self._options.programs
        if programs is not None:
            pack(arpa, binary, programs, self._options.quantise_bits, self.checkpoint)
        else:
            try:
                write_binary(arpa, binary, lambda _: self.checkpoint())
            except (CannotPack, OSError) as error:  # a full disk among others: the text is there and will do
                # The kind alone: what the error says may quote the document.
                _log.info("a personal language model stays ARPA text: %s", type(error).__name__)
                return ARPA_FILE
        arpa.unlink()
        return BINARY_FILE


def _load_general(path: Path) -> Any:
    """Load the general model."""
    try:
        return open_kenlm(path)
    except (OSError, RuntimeError) as error:
        raise PersonalModelError(f"KenLM cannot read the general language model {path.name}: {error}.") from error


def _split(sentences: Sentences, held_out: float) -> tuple[Sentences, Sentences]:
    """Part the sentences by a hash, so that a repeated one is on one side only and every build parts them alike."""
    kept: Sentences = []
    apart: Sentences = []
    for sentence in sentences:
        is_apart = zlib.crc32(" ".join(sentence).encode()) < held_out * 2**32
        (apart if is_apart else kept).append(sentence)
    return kept, apart


def _measured(value: float) -> float | None:
    """A perplexity, or None for what could not be measured."""
    return None if math.isnan(value) else value


def _describe(report: PersonalModelReport, model_file: str, general: GeneralModel) -> PersonalDescription:
    """What is kept about a model."""
    return PersonalDescription(
        format_version=FORMAT_VERSION,
        model_file=model_file,
        weight=report.weight,
        letters="".join(sorted(general.alphabet.letters)),
        order=report.order,
        words=report.words,
        vocabulary=report.vocabulary,
        new_words=report.new_words,
        general_model=general.name,
        created=dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        perplexity_before=report.perplexity_before or 0.0,
        perplexity_after=report.perplexity_after or 0.0,
    )
