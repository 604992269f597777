"""Short texts to read aloud, so that false triggers of a hotword can be counted over words that are not it.

Everyday sentences of our own, about forty words per language, for the languages that have public CTC models.
"""

from __future__ import annotations

from dictation.core.hotwords import is_same_phrase

_SENTENCES = {
    "en": (
        "Yesterday morning we walked along the river until it began to rain.",
        "My neighbour has a small garden behind the house, and in summer she gives us tomatoes.",
        "The train was late again, so I read the paper and drank a cup of tea.",
        "Please close the window before you leave.",
    ),
    "de": (
        "Gestern Morgen sind wir am Fluss entlang gegangen, bis es zu regnen begann.",
        "Meine Nachbarin hat einen kleinen Garten hinter dem Haus und schenkt uns im Sommer Tomaten.",
        "Der Zug kam wieder zu spät, also las ich die Zeitung und trank eine Tasse Tee.",
        "Bitte mach das Fenster zu, bevor du gehst.",
    ),
    "fr": (
        "Hier matin nous avons marché le long de la rivière avant la pluie.",
        "Ma voisine a un petit jardin derrière la maison et nous donne des tomates en été.",
        "Le train était encore en retard, alors je lisais le journal avec une tasse de thé.",
        "Ferme la fenêtre avant de partir.",
    ),
    "es": (
        "Ayer por la mañana caminamos junto al río hasta que empezó a llover.",
        "Mi vecina tiene un pequeño jardín detrás de la casa y en verano nos regala tomates.",
        "El tren llegó tarde otra vez, así que leí el periódico y tomé una taza de té.",
        "Cierra la ventana antes de salir.",
    ),
    "it": (
        "Ieri mattina abbiamo camminato lungo il fiume finché ha cominciato a piovere.",
        "La mia vicina ha un piccolo giardino dietro la casa e in estate ci regala pomodori.",
        "Il treno era di nuovo in ritardo, quindi ho letto il giornale e bevuto una tazza di tè.",
        "Chiudi la finestra prima di uscire.",
    ),
}


def reading_text(language: str, phrase: str) -> str:
    """The text to read for a hotword: every sentence of that language that shares no word with it.

    Args:
        language: BCP 47 tag; only the part before the first hyphen counts.
        phrase: The hotword.

    Returns:
        The sentences joined by spaces; empty for a language without a text.
    """
    sentences = _SENTENCES.get(language.lower().split("-")[0], ())
    return " ".join(sentence for sentence in sentences if not _shares_a_word(sentence, phrase))


def _shares_a_word(sentence: str, phrase: str) -> bool:
    words = [word.strip(".,") for word in sentence.split()]
    return any(is_same_phrase(word, wanted) for word in words for wanted in phrase.split())
