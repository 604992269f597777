"""Write an n-gram model as ARPA text, which KenLM reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dictation.language.ngram import NgramModel

LINES_BETWEEN_CHECKPOINTS = 20_000


def write_arpa(model: NgramModel, path: Path, checkpoint: Callable[[], None]) -> None:
    """Write ``path`` in UTF-8; ``checkpoint`` is called now and then and may raise to cancel. Thread: any.

    A million n-grams take about two seconds and 30 MB.

    Raises:
        OSError: the file cannot be written; a part of it may be there.
    """
    top = len(model.levels)
    texts = [""]
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write("\\data\\\n")
        stream.writelines(f"ngram {length}={len(level)}\n" for length, level in enumerate(model.levels, 1))
        for length, level in enumerate(model.levels, 1):
            stream.write(f"\n\\{length}-grams:\n")
            words = [model.words[word] for word in level.last_words.tolist()]
            contexts = level.contexts.tolist()
            if length > 1:
                words = [f"{texts[context]} {word}" for context, word in zip(contexts, words, strict=True)]
            texts = words
            rows = zip(level.log10_probs.tolist(), texts, level.log10_backoffs.tolist(), strict=True)
            for count, (log10_prob, text, log10_backoff) in enumerate(rows):
                if count % LINES_BETWEEN_CHECKPOINTS == 0:
                    checkpoint()
                end = f"\t{log10_backoff:.7g}\n" if length < top else "\n"
                stream.write(f"{log10_prob:.7g}\t{text}{end}")
        stream.write("\n\\end\\\n")
