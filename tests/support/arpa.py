"""Small n-gram language models in ARPA's text format."""

from __future__ import annotations

from collections.abc import Mapping


def arpa(unigrams: Mapping[str, tuple[float, ...]], bigrams: Mapping[str, float]) -> str:
    """A 2-gram model.

    Args:
        unigrams: By word its log10 probability and, unless it is to be left out, its log10 back-off weight.
        bigrams: By two words, with a space between, their log10 probability.
    """
    ones = ["\t".join([str(numbers[0]), word, *map(str, numbers[1:])]) for word, numbers in unigrams.items()]
    twos = [f"{number}\t{words}" for words, number in bigrams.items()]
    head = ["\\data\\", f"ngram 1={len(ones)}", f"ngram 2={len(twos)}"]
    return "\n".join([*head, "", "\\1-grams:", *ones, "", "\\2-grams:", *twos, "", "\\end\\", ""])
