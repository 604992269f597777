from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelMissing
from dictation.core.records import CloseCause, Hypothesis, Recognition, Segment, Word
from dictation.core.settings import RecognizerSettings, Settings
from dictation.core.status import ModelChoice, ModelState, ModelStatus
from dictation.ui.main_window import MainWindow
from dictation.ui.words_window import WordsWindow
from tests.support.controls import interactive

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
HOTWORDS = ("Quandt", "Zoë Björk")


@pytest.fixture
def words(make_window: Callable[..., MainWindow], qtbot: QtBot) -> WordsWindow:
    window = make_window(Settings(recognizer=RecognizerSettings(hotwords=HOTWORDS)))
    window.session.models = (ModelChoice("Starter English", "/m/starter", "en", "CC BY 4.0", 1),)
    qtbot.keyClick(window, Qt.Key.Key_F7)
    assert window.words_link.window.isVisible()
    return window.words_link.window


def stored(words: WordsWindow) -> RecognizerSettings:
    return words.parent().settings_store.settings.recognizer


def listed(words: WordsWindow) -> tuple[str, ...]:
    return tuple(words.editor.list.item(row).text() for row in range(words.editor.list.count()))


def paste(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def test_a_typed_word_reaches_the_settings_and_the_running_session(words: WordsWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(words.editor.entry, "  New  York ")
    qtbot.keyClick(words.editor.entry, Qt.Key.Key_Return)
    assert listed(words) == stored(words).hotwords == (*HOTWORDS, "New York")
    assert words.parent().session.asked("configure_recognizer")[-1].hotwords == (*HOTWORDS, "New York")
    assert words.editor.entry.text() == ""
    assert words.isVisible(), "Return must not close the window"


def test_a_word_that_is_there_already_is_named(words: WordsWindow, qtbot: QtBot) -> None:
    qtbot.keyClicks(words.editor.entry, "quandt")
    qtbot.keyClick(words.editor.entry, Qt.Key.Key_Return)
    assert listed(words) == HOTWORDS
    assert "quandt is in the list already" in words.editor.remark.text()


@pytest.mark.parametrize("where", ["entry", "list", "paste_button"])
def test_many_lines_are_pasted_at_once_and_undone_at_once(words: WordsWindow, qtbot: QtBot, where: str) -> None:
    paste("Alpha\nBeta\n\nquandt\n")
    target = getattr(words.editor, where)
    if where == "paste_button":
        qtbot.mouseClick(target, Qt.MouseButton.LeftButton)
    else:
        qtbot.keyClick(target, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert stored(words).hotwords == (*HOTWORDS, "Alpha", "Beta")
    assert words.editor.remark.text() == "2 added, 1 known already"
    qtbot.keyClick(words.editor.list, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert listed(words) == stored(words).hotwords == HOTWORDS
    assert not words.editor.undo_button.isEnabled()


def test_one_pasted_line_goes_into_the_entry(words: WordsWindow, qtbot: QtBot) -> None:
    paste("Alpha")
    qtbot.keyClick(words.editor.entry, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert words.editor.entry.text() == "Alpha"
    assert listed(words) == HOTWORDS


def test_selected_words_are_removed_by_key(words: WordsWindow, qtbot: QtBot) -> None:
    words.editor.list.setCurrentRow(0)
    qtbot.keyClick(words.editor.list, Qt.Key.Key_Delete)
    assert stored(words).hotwords == ("Zoë Björk",)
    assert words.editor.current_word == "Zoë Björk"
    qtbot.keyClick(words.editor.list, Qt.Key.Key_Delete)
    assert stored(words).hotwords == ()
    assert not words.editor.remove_button.isEnabled()


def test_a_word_is_corrected_in_place_and_nonsense_is_refused(words: WordsWindow) -> None:
    words.editor.list.item(0).setText("Quant ")
    assert listed(words) == stored(words).hotwords == ("Quant", "Zoë Björk")
    words.editor.list.item(0).setText("zoë björk")
    assert listed(words) == ("Quant", "Zoë Björk")


def test_the_weight_goes_to_the_session_and_follows_the_settings(words: WordsWindow) -> None:
    words.weight.slider.setValue(words.weight.slider.value() + 1)
    assert stored(words).hotword_weight == 8.5
    assert words.weight.text_of(8.5) == "8.5"
    words.parent().settings_store.update(RecognizerSettings(hotword_weight=3.0, hotwords=("other",)))
    assert words.weight.value == 3.0
    assert listed(words) == ("other",)


def test_what_the_model_says_of_the_words_is_shown_beside_them(words: WordsWindow) -> None:
    session = words.parent().session
    assert not words.model_note.isVisible()
    session.model_changed.emit(ModelStatus(ModelState.READY, "Starter", "CPU", "No letters for Zoë."))
    assert words.model_note.isVisible()
    assert words.model_note.text() == "No letters for Zoë."
    session.model_changed.emit(ModelStatus(ModelState.READY, "Starter", "CPU"))
    assert not words.model_note.isVisible()


def answer(window: MainWindow, *texts: str) -> None:
    """Let the check hear one utterance: understood with the hotword, and without it."""
    session = window.session
    samples = np.zeros(16_000, dtype=np.float32)
    check_id = session.asked("begin_check")[-1]
    segment = Segment(len(session.submitted), 0, 0, 16_000, 16_000, CloseCause.SILENCE, samples)
    session.check_heard.emit(check_id, segment)
    for text, (_, _, future) in zip(texts, session.submitted[-2:], strict=True):
        words = tuple(Word(word, 0.0, 0.1, 0.9) for word in text.split())
        future.set_result(Recognition((Hypothesis(words),), 1.0, 0.0, 0.0, "cpu"))


def test_the_check_leads_through_its_steps_by_keyboard(words: WordsWindow, qtbot: QtBot) -> None:
    window, check = words.parent(), words.check
    words.editor.list.setCurrentRow(0)
    check.start_button.setFocus()
    qtbot.keyClick(check.start_button, Qt.Key.Key_Space)
    assert words.focusWidget() is check.cancel_button
    assert "Say “Quandt” now" in check.instruction.text()
    assert "1 of 3" in check.instruction.text()
    for turn in range(3):
        answer(window, "quandt", "want")
        assert f"{turn + 1}. quandt" in check.result.text()
    assert window.session.submitted[0][1] == ("Zoë Björk", "Quandt")
    assert window.session.submitted[1][1] == ("Zoë Björk",)
    assert "river" in check.reading.text()
    assert check.reading.isVisible()
    answer(window, "yesterday morning quandt walked", "yesterday morning we walked")
    check.done_button.setFocus()
    qtbot.keyClick(check.done_button, Qt.Key.Key_Space)
    assert "Heard 3 of 3 times with the hotword, 0 of 3 without it." in check.result.text()
    assert "False triggers: 1 in 4 other words with the hotword, 0 without it." in check.result.text()
    assert "lower the weight" in check.instruction.text()
    assert words.focusWidget() is check.start_button
    assert window.documents.dictation.toPlainText() == ""


def test_a_word_with_a_hint_is_checked_by_its_spelling(words: WordsWindow) -> None:
    window = words.parent()
    words.editor.list.item(0).setText("River = reever")
    words.editor.list.setCurrentRow(0)
    assert words.check.start_button.text() == "Check “River”"
    words.check.start_button.click()
    for _ in range(3):
        answer(window, "the river", "the reefer")
    assert window.session.submitted[0][1] == ("Zoë Björk", "River = reever")
    assert "Heard 3 of 3 times with the hotword, 0 of 3 without it." in words.check.result.text()
    assert "river" not in words.check.reading.text()
    words.check.cancel_button.click()


def test_without_a_text_in_the_models_language_any_text_is_read(words: WordsWindow) -> None:
    window = words.parent()
    window.session.models = (ModelChoice("Starter English", "/m/starter", "sw", "CC BY 4.0", 1),)
    words.editor.list.setCurrentRow(0)
    words.check.start_button.click()
    for _ in range(3):
        answer(window, "quandt", "want")
    assert not words.check.reading.isVisible()
    assert "any text that does not contain the word" in words.check.instruction.text()
    words.check.cancel_button.click()
    assert words.check.instruction.text() == "Stopped."


def test_escape_ends_the_check_with_the_window(words: WordsWindow, qtbot: QtBot) -> None:
    words.editor.list.setCurrentRow(0)
    words.check.start_button.click()
    qtbot.keyClick(words, Qt.Key.Key_Escape)
    assert not words.isVisible()
    assert words.parent().session.asked("end_check") == [None]


def test_the_record_button_and_errors_end_the_check_with_a_word_of_why(words: WordsWindow) -> None:
    session = words.parent().session
    words.editor.list.setCurrentRow(0)
    words.check.start_button.click()
    session.check_ended.emit(session.asked("begin_check")[-1])
    assert "record button" in words.check.instruction.text()
    words.check.start_button.click()
    segment = Segment(0, 0, 0, 1, 1, CloseCause.SILENCE, np.zeros(1, dtype=np.float32))
    session.check_heard.emit(session.asked("begin_check")[-1], segment)
    for _, _, future in session.submitted:
        future.set_exception(ModelMissing("No model."))
    assert words.check.instruction.text().startswith("No model.")


def test_there_is_nothing_to_check_without_a_word(words: WordsWindow) -> None:
    words.editor.list.setCurrentRow(-1)
    assert not words.check.start_button.isEnabled()


def test_everything_in_the_window_has_a_name(words: WordsWindow) -> None:
    assert [widget for widget in interactive(words) if not widget.accessibleName()] == []


def test_the_side_panel_opens_the_window(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_by_id["panel"].trigger()
    qtbot.mouseClick(window.side_panel.window_buttons["words"], Qt.MouseButton.LeftButton)
    assert window.words_link.window.isVisible()
