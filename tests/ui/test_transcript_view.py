from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dictation.core.records import Gap, LossCause, Tentative
from dictation.core.settings import Settings, WindowSettings
from dictation.core.status import SessionState
from dictation.ui.main_window import MainWindow
from dictation.ui.transcript_view import TranscriptView
from tests.support.scene import utterance


@pytest.fixture
def view(window: MainWindow) -> TranscriptView:
    return window.documents.dictation


def say(window: MainWindow, *texts: str, pause_s: float = 0.5) -> None:
    first = window.property("said") or 0
    for index, text in enumerate(texts, start=first):
        start_s = index * (2.0 + pause_s)
        window.session.utterance_ready.emit(utterance(index, text, start_s, start_s + 2.0))
    window.setProperty("said", first + len(texts))


def undone(view: TranscriptView) -> list[str]:
    """What remains after each Undo, to the last."""
    texts = []
    while view.document().isUndoAvailable():
        view.undo()
        texts.append(view.toPlainText())
    return texts


def select(view: TranscriptView, start: int, end: int) -> None:
    cursor = view.textCursor()
    cursor.setPosition(start)
    cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    view.setTextCursor(cursor)


def long_text(window: MainWindow) -> None:
    say(window, *["these words fill the window line by line until there is more than fits"] * 60)


def test_utterances_are_set_off_by_spaces_and_long_pauses_by_paragraphs(
    window: MainWindow, view: TranscriptView
) -> None:
    say(window, "one two", "three")
    say(window, "four", pause_s=9.0)
    assert view.toPlainText() == "one two three\nfour"


def test_each_utterance_is_one_undo_step(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one", "two", "three")
    assert undone(view) == ["one two", "one", ""]


def test_typing_after_an_utterance_is_an_undo_step_of_its_own(
    window: MainWindow, view: TranscriptView, qtbot: QtBot
) -> None:
    """Qt merges an insertion with typing right behind it; then one Undo would take both."""
    say(window, "one")
    view.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(view, "xy")
    say(window, "two")
    assert view.toPlainText() == "onexy two"
    assert undone(view) == ["onexy", "one", ""]


def test_redo_brings_an_utterance_back(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one", "two")
    view.undo()
    view.redo()
    assert view.toPlainText() == "one two"


def test_noise_adds_nothing(window: MainWindow, view: TranscriptView) -> None:
    say(window, "")
    assert view.toPlainText() == ""
    assert not view.document().isUndoAvailable()


def test_tentative_words_are_shown_but_are_neither_text_nor_undo(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one")
    window.session.tentative_changed.emit(Tentative(5, 1, "two", "thr"))
    assert view.tentative_text == "two thr"
    assert view.document().lastBlock().layout().preeditAreaText() == " two thr"
    assert view.toPlainText() == "one"
    assert view.chosen_text() == "one"
    assert undone(view) == [""]


def test_stable_and_doubtful_words_look_different(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one")
    window.session.tentative_changed.emit(Tentative(5, 1, "two", "thr"))
    stable, tail = view.document().lastBlock().layout().formats()
    assert (stable.start, stable.length) == (3, len(" two "))
    assert (tail.start, tail.length) == (8, 3)
    assert tail.format.fontItalic()
    assert stable.format.foreground().color() != tail.format.foreground().color()


def test_an_utterance_takes_the_place_of_its_tentative_words(window: MainWindow, view: TranscriptView) -> None:
    window.session.tentative_changed.emit(Tentative(0, 1, "one", "to"))
    say(window, "one two")
    assert view.tentative_text == ""
    assert view.document().lastBlock().layout().preeditAreaText() == ""
    assert view.toPlainText() == "one two"


def test_words_of_the_next_utterance_stay_when_the_last_one_becomes_final(
    window: MainWindow, view: TranscriptView
) -> None:
    window.session.tentative_changed.emit(Tentative(0, 4, "one", ""))
    window.session.tentative_changed.emit(Tentative(1, 1, "", "two"))
    assert view.tentative_text == "one two"
    say(window, "one")
    assert view.tentative_text == "two"
    assert view.document().lastBlock().layout().preeditAreaText() == " two"


def test_late_revisions_are_ignored(window: MainWindow, view: TranscriptView) -> None:
    window.session.tentative_changed.emit(Tentative(0, 4, "new", ""))
    window.session.tentative_changed.emit(Tentative(0, 3, "old", ""))
    assert view.tentative_text == "new"


def test_none_takes_tentative_words_away(window: MainWindow, view: TranscriptView) -> None:
    window.session.tentative_changed.emit(Tentative(0, 1, "one", "two"))
    window.session.tentative_changed.emit(None)
    assert view.tentative_text == ""
    assert view.is_empty


def test_tentative_words_follow_the_end_while_the_text_is_edited(
    window: MainWindow, view: TranscriptView, qtbot: QtBot
) -> None:
    say(window, "one two")
    window.session.tentative_changed.emit(Tentative(5, 1, "three", ""))
    view.moveCursor(QTextCursor.MoveOperation.Start)
    qtbot.keyClicks(view, "zero ")
    layout = view.document().lastBlock().layout()
    assert layout.preeditAreaPosition() == len("zero one two")
    view.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    qtbot.keyClicks(view, "new")
    blocks = view.document()
    assert blocks.firstBlock().layout().preeditAreaText() == ""
    assert blocks.lastBlock().layout().preeditAreaText() == " three"
    assert view.toPlainText() == "zero one two\nnew"


def test_a_click_into_the_last_line_leaves_tentative_words_in_place(
    window: MainWindow, view: TranscriptView, qtbot: QtBot
) -> None:
    """Qt takes any preedit area for an input method's and clears it on a click."""
    say(window, "one two")
    window.session.tentative_changed.emit(Tentative(5, 1, "three", ""))
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.cursorRect().center())
    assert view.document().lastBlock().layout().preeditAreaText() == " three"


def test_an_input_method_has_precedence_while_it_composes(window: MainWindow, view: TranscriptView) -> None:
    view.setFocus()
    window.session.tentative_changed.emit(Tentative(0, 1, "three", ""))
    QApplication.sendEvent(view, QInputMethodEvent("kana", []))
    assert view.document().lastBlock().layout().preeditAreaText() == "kana"
    commit = QInputMethodEvent("", [])
    commit.setCommitString("かな")
    QApplication.sendEvent(view, commit)
    assert view.toPlainText() == "かな"
    assert view.document().lastBlock().layout().preeditAreaText() == " three"


def test_gaps_are_marked_in_the_text(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one")
    window.session.gap_found.emit(Gap(3.0, 1.23, LossCause.DEVICE))
    say(window, "two")
    assert view.toPlainText() == "one [1.2 s lost: device] two"
    cursor = QTextCursor(view.document())
    cursor.setPosition(len("one [1"))
    assert cursor.charFormat().fontItalic()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    assert not cursor.charFormat().fontItalic()


@pytest.mark.parametrize("end", [5, 7])
def test_a_selection_survives_growth(window: MainWindow, view: TranscriptView, end: int) -> None:
    say(window, "one two")
    select(view, 2, end)
    chosen = view.textCursor().selectedText()
    say(window, "three")
    window.session.tentative_changed.emit(Tentative(5, 1, "four", ""))
    assert view.textCursor().selectedText() == chosen
    assert (view.textCursor().anchor(), view.textCursor().position()) == (2, end)


def test_the_view_follows_new_text_at_the_bottom(window: MainWindow, view: TranscriptView, qtbot: QtBot) -> None:
    long_text(window)
    bar = view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    assert not view.jump_button.isVisible()
    before = bar.maximum()
    long_text(window)
    qtbot.waitUntil(lambda: bar.maximum() > before)
    assert bar.value() == bar.maximum()


def test_a_reader_further_up_is_left_alone(window: MainWindow, view: TranscriptView, qtbot: QtBot) -> None:
    long_text(window)
    bar = view.verticalScrollBar()
    bar.setValue(40)
    before = bar.maximum()
    long_text(window)
    qtbot.waitUntil(lambda: bar.maximum() > before)
    assert bar.value() == 40
    assert view.jump_button.isVisible()
    qtbot.mouseClick(view.jump_button, Qt.MouseButton.LeftButton)
    assert bar.value() == bar.maximum()
    assert not view.jump_button.isVisible()


def test_lines_hold_about_75_characters(window: MainWindow, view: TranscriptView) -> None:
    window.resize(1800, 800)
    long_text(window)
    layout = view.document().lastBlock().layout()
    lengths = [layout.lineAt(index).textLength() for index in range(layout.lineCount() - 1)]
    assert 60 < max(lengths) <= 80
    margins = view.viewportMargins()
    assert margins.left() == margins.right() > 0
    assert view.document().textWidth() <= view.viewport().width()


def test_the_text_has_leading_and_a_readable_size(window: MainWindow, view: TranscriptView) -> None:
    say(window, "one")
    assert view.document().firstBlock().blockFormat().lineHeight() == 150
    assert view.font().pixelSize() == 17


def test_keys_change_the_text_size_and_the_settings_keep_it(
    window: MainWindow, view: TranscriptView, qtbot: QtBot, make_window: Callable[..., MainWindow]
) -> None:
    qtbot.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert view.font().pixelSize() == 19
    assert window.settings_store.settings.window.font_px == 19
    again = make_window(window.settings_store.settings)
    assert again.documents.dictation.font().pixelSize() == 19
    qtbot.keyClick(again, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(again, Qt.Key.Key_Minus, Qt.KeyboardModifier.ControlModifier)
    assert again.documents.dictation.font().pixelSize() == 15


def test_the_text_size_stops_at_its_ends(make_window: Callable[..., MainWindow], qtbot: QtBot) -> None:
    window = make_window(Settings(window=WindowSettings(font_px=48)))
    window.actions_by_id["larger"].trigger()
    assert window.settings_store.settings.window.font_px == 48


def test_the_steps_are_shown_until_there_is_text(window: MainWindow, view: TranscriptView) -> None:
    steps = window.documents.empty_state
    assert steps.isVisible()
    assert "Record" in steps.accessibleName()
    window.session.tentative_changed.emit(Tentative(0, 1, "one", ""))
    assert not steps.isVisible()
    window.session.tentative_changed.emit(None)
    assert steps.isVisible()
    say(window, "one")
    assert not steps.isVisible()


def test_the_steps_give_way_to_listening(window: MainWindow, view: TranscriptView) -> None:
    window.session.record()
    assert not window.documents.empty_state.isVisible()
    assert "Listening" in view.placeholderText()
    window.session.set_state(SessionState.FAILED, is_recording=True)
    assert "no sound" in view.placeholderText()
    window.session.stop()
    assert view.placeholderText() == ""


def test_restored_text_is_there_and_undo_does_not_take_it_away(qtbot: QtBot) -> None:
    view = TranscriptView("Transcript")
    qtbot.addWidget(view)
    view.restore_text("first paragraph\nsecond paragraph")
    assert view.toPlainText() == "first paragraph\nsecond paragraph"
    view.append_text("new words", new_paragraph=True)
    view.undo()
    view.undo()
    assert view.toPlainText() == "first paragraph\nsecond paragraph"
