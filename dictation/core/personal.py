"""Records about personal language models: what building one found, and what is installed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class BuildStage(Enum):
    """What building a personal language model is doing."""

    READING = "reading documents"
    COMPARING = "comparing with the general model"
    COUNTING = "counting word sequences"
    WRITING = "writing the model"


@dataclass(frozen=True)
class BuildProgress:
    """How far it is: ``fraction`` of the whole, 0 to 1, never falling; ``detail`` such as a document's name."""

    stage: BuildStage
    fraction: float
    detail: str = ""


@dataclass(frozen=True)
class PersonalModelReport:
    """What building a personal language model found.

    Perplexities are those of held-out sentences: a tenth (or as asked) of the user's own text that took no part in
    the estimate they are measured with. They count the same words, those which the general model knows, sentence ends
    included; the lower, the better.

    Attributes:
        name: Of the personal model.
        words: Words of text it was made from.
        sentences: Sentences of text it was made from.
        vocabulary: Different words.
        new_words: Different words that the general model does not know.
        skipped_words: Words, or rows of words, left out because the model has no letters for them; numbers too.
        order: Longest word sequence counted.
        ngrams: Sequences kept, by length from 1.
        weight: Share of the personal model in the mixture, 0 to 1.
        perplexity_before: With the general model alone; None without held-out sentences or without a general model.
        perplexity_after: With the mixture; None without held-out sentences.
        held_out_sentences: How many of ``sentences`` they were measured on.
        problems: One line for each document that could not be read, naming it.
    """

    name: str
    words: int
    sentences: int
    vocabulary: int
    new_words: int
    skipped_words: int
    order: int
    ngrams: tuple[int, ...]
    weight: float
    perplexity_before: float | None
    perplexity_after: float | None
    held_out_sentences: int
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class PersonalModelChoice:
    """One installed personal model as a picker shows it; ``general_model`` is the model it was tuned to."""

    name: str
    path: str
    words: int
    new_words: int
    weight: float
    general_model: str
    created: str
    size_bytes: int
