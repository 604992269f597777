from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dictation.language.text import Alphabet, join_wrapped, split_sentences

ENGLISH = Alphabet(frozenset("abcdefghijklmnopqrstuvwxyz'"))
GERMAN = Alphabet(frozenset("abcdefghijklmnopqrstuvwxyzäöüß"))
CAPITALS = Alphabet(frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ'"))
GREEK = Alphabet(frozenset("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ"))
RUSSIAN = Alphabet(frozenset("абвгдеёжзийклмнопрстуфхцчшщъыьэюя-"))
ARABIC = Alphabet(frozenset("ابتثجحخدذرزسشصضطظعغفقكلمنهويءأإآؤئىة"))


@pytest.mark.parametrize(
    ("alphabet", "sentence", "words"),
    [
        (ENGLISH, "Don\u2019t \u201cquote\u201d \u2014 ever!", "don't quote ever"),
        (ENGLISH, "the 'inner' rock-n-roll and/or blues", "the inner rock n roll and or blues"),
        (ENGLISH, "The café of Åse and Zoë", "the cafe of ase and zoe"),
        (ENGLISH, "In 2024 we sold 1,500 units", "in <unk> we sold <unk> units"),
        (ENGLISH, "mail me@example.org, see https://x.org or www.x.org", "mail <unk> see <unk> or <unk>"),
        (ENGLISH, "the U.S.A. and e.g. snake_case", "the usa and eg snake case"),
        (ENGLISH, "слово слово word", "<unk> word"),
        (ENGLISH, "soft\u00adhyphen", "softhyphen"),
        (ENGLISH, "\u2019tis -- the dogs'", "tis the dogs"),
        (GERMAN, "Die STRASSE, die Straße, a\u0308hnlich", "die strasse die straße ähnlich"),
        (CAPITALS, "Straße don't", "STRASSE DON'T"),
        (GREEK, "Καλημέρα ΚΌΣΜΕ", "καλημέρα κόσμε"),
        (RUSSIAN, "Кто-то Ёлка.", "кто-то ёлка"),
        (ARABIC, "كَتَبَ الوَلَدُ", "كتب الولد"),
        (Alphabet(frozenset("abcdefghijklmnopqrstuvwxyzABC0123456789")), "ABC abc 42", "ABC abc 42"),
    ],
)
def test_words_in_the_letters_of_a_model(alphabet: Alphabet, sentence: str, words: str) -> None:
    assert " ".join(alphabet.words(sentence)) == words


@given(st.text(), st.sampled_from([ENGLISH, GERMAN, CAPITALS, GREEK, RUSSIAN]))
def test_whatever_the_text_only_letters_come_out(text: str, alphabet: Alphabet) -> None:
    for word in alphabet.words(text):
        assert word == "<unk>" or (word and alphabet.letters.issuperset(word))


@pytest.mark.parametrize(
    ("paragraph", "sentences"),
    [
        ("One. Two? Three! Four", ["One.", "Two?", "Three!", "Four"]),
        (
            "Dr. Smith met J. Doe at 5 p.m. yesterday. He left.",
            ["Dr. Smith met J. Doe at 5 p.m. yesterday.", "He left."],
        ),
        ("\u201cGo!\u201d He went\u2026 Then stopped.", ["\u201cGo!\u201d", "He went\u2026", "Then stopped."]),
        ("Zum Beispiel bzw. Anders. Gut.", ["Zum Beispiel bzw. Anders.", "Gut."]),
        ("यह एक है। वह दो है।", ["यह एक है।", "वह दो है।"]),
        ("version 2.0 is out", ["version 2.0 is out"]),
        ("", []),
    ],
)
def test_sentences(paragraph: str, sentences: list[str]) -> None:
    assert list(split_sentences(paragraph)) == sentences


@given(st.text())
def test_splitting_loses_nothing_but_space(text: str) -> None:
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


WIDE = [
    "the first line of a paragraph that was broken to a width of sixty",
    "characters and goes on here with the exam-",
]


def test_wrapped_lines_and_broken_words_are_joined() -> None:
    (paragraph,) = join_wrapped([*WIDE, "ple at its end."], is_layout=False)
    assert paragraph.endswith("sixty characters and goes on here with the example at its end.")


def test_a_sentence_per_line_stays_a_sentence_per_line() -> None:
    lines = ["short one", "a much longer line that says a good deal more than the others", "short two"]
    assert list(join_wrapped(lines, is_layout=False)) == lines


def test_short_lines_end_paragraphs_of_a_page() -> None:
    assert len(list(join_wrapped(["Heading", *WIDE, "ple.", "Next"], is_layout=True))) == 3
