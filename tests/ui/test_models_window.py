from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from dictation.core.errors import ModelNotRemovable
from dictation.core.library_status import LanguageModelOffer, LibraryJob, LibraryJobState, LibraryModel
from dictation.core.settings import NetworkSettings, RecognizerSettings, Settings
from dictation.ui.main_window import MainWindow
from dictation.ui.models_window import ModelsWindow
from tests.support.controls import interactive
from tests.support.scene import LISTING

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
STARTER = "/opt/dictation/models/starter"
DOWNLOADING = LibraryJob(
    "base-960h", "wav2vec 2.0 base", LibraryJobState.DOWNLOADING, 158_000_000, 378_000_000, 6.4e6, 34.4, 0.42
)


@pytest.fixture
def main_window(make_window: Callable[..., MainWindow], qtbot: QtBot) -> MainWindow:
    window = make_window()
    qtbot.keyClick(window, Qt.Key.Key_F6)
    window.model_library.listing_changed.emit(LISTING)
    return window


@pytest.fixture
def models(main_window: MainWindow) -> ModelsWindow:
    assert main_window.models_link.window.isVisible()
    assert main_window.model_library.calls == [("refresh",)]
    main_window.model_library.calls.clear()
    return main_window.models_link.window


def shown(window: ModelsWindow) -> list[str]:
    """Headings and the titles of rows from top to bottom."""
    labels = [label for label in window.findChildren(QLabel) if label.isVisible()]
    wanted = [label for label in labels if label.property("kind") in {"section", "title"}]
    return [label.text() for label in sorted(wanted, key=lambda label: label.mapTo(window, QPoint()).y())]


def verbs(window: ModelsWindow, key: str) -> list[str]:
    return [verb for verb, button in window.rows[key].buttons.items() if not button.isHidden()]


def drop(target: QWidget, *paths: str) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    target.dropEvent(QDropEvent(
        QPoint(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    ))  # fmt: skip


def test_models_are_grouped_and_each_row_says_what_matters(models: ModelsWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: len(shown(models)) == 10)
    assert shown(models) == [
        "Recommended for this machine", "wav2vec 2.0 base", "wav2vec 2.0 large LV-60k",
        "Installed", "Starter English (in use)", "Oslo",
        "French", "VoxPopuli base French", "German", "VoxPopuli base German",
    ]  # fmt: skip
    row = models.rows["base-960h"]
    for fact in ("English", "378 MB", "378 MB in memory", "MIT", "2 CPU cores"):
        assert fact in row.facts.text()
    assert "3.4 %" in row.rates.text()
    assert "arXiv:2006.11477" in row.rates.text()
    assert "size unknown" in models.rows["voxpopuli-fr"].facts.text()
    assert models.space.text() == "41 GB free"


def test_of_many_word_error_rates_two_are_shown_until_more_are_wanted(
    main_window: MainWindow, models: ModelsWindow, qtbot: QtBot
) -> None:
    rates = tuple(f"{turn} % word errors" for turn in range(5))
    main_window.model_library.listing_changed.emit(replace(LISTING, models=(replace(LISTING.models[2], rates=rates),)))
    row = models.rows["starter"]
    assert row.rates.text().splitlines() == list(rates[:2])
    assert row.more_button.text() == "3 more"
    row.more_button.setFocus()
    qtbot.keyClick(row.more_button, Qt.Key.Key_Space)
    assert row.rates.text().splitlines() == list(rates)
    assert row.more_button.text() == "Fewer"


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("german", {"voxpopuli-de"}),
        ("VoxPopuli", {"voxpopuli-de", "voxpopuli-fr"}),
        ("mit 960h", {"base-960h"}),
        ("nothing like it", set()),
        ("", {model.key for model in LISTING.models}),
    ],
)
def test_the_filter_box_hides_what_does_not_match(
    models: ModelsWindow, qtbot: QtBot, typed: str, keys: set[str]
) -> None:
    qtbot.keyClick(models, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(models.filter, typed)
    assert {key for key, row in models.rows.items() if not row.isHidden()} == keys
    headings = [label for label in models.findChildren(QLabel) if label.property("kind") == "section"]
    assert bool(keys) == any(not heading.isHidden() for heading in headings)


def test_what_can_be_done_depends_on_the_model(models: ModelsWindow) -> None:
    assert verbs(models, "base-960h") == ["download"]
    assert verbs(models, "large-lv60k") == ["resume", "discard"], "an earlier run has left a part of it"
    assert "310 MB have been downloaded already" in models.rows["large-lv60k"].status.text()
    assert verbs(models, "starter") == ["language"]
    assert verbs(models, "oslo") == ["use", "remove"]


def test_a_download_is_started_paused_resumed_and_cancelled_by_keyboard(
    main_window: MainWindow, models: ModelsWindow, qtbot: QtBot
) -> None:
    row, library = models.rows["base-960h"], main_window.model_library
    row.buttons["download"].setFocus()
    qtbot.keyClick(row.buttons["download"], Qt.Key.Key_Space)
    assert library.calls == [("download", "base-960h", "wav2vec 2.0 base")]
    library.job_changed.emit(DOWNLOADING)
    assert models.focusWidget() is row.buttons["pause"], "the keyboard stays in the row"
    assert verbs(models, "base-960h") == ["pause", "cancel"]
    assert row.status.text() == "downloading · 158 MB of 378 MB · 6.4 MB/s · 34 s left"
    assert row.progress.value() == 420
    qtbot.keyClick(row.buttons["pause"], Qt.Key.Key_Space)
    paused = replace(DOWNLOADING, state=LibraryJobState.PAUSED, bytes_per_s=0.0, left_s=None)
    library.job_changed.emit(paused)
    assert not row.progress.isVisible()
    assert row.status.text() == "paused · 158 MB of 378 MB"
    qtbot.keyClick(row.buttons["resume"], Qt.Key.Key_Space)
    library.job_changed.emit(DOWNLOADING)
    row.buttons["cancel"].click()
    library.job_changed.emit(replace(DOWNLOADING, state=LibraryJobState.CANCELLED))
    assert [call[0] for call in library.calls] == ["download", "pause", "download", "cancel"]
    assert verbs(models, "base-960h") == ["download"]


def test_an_installed_model_is_given_another_language_model_of_its_language(
    main_window: MainWindow, models: ModelsWindow
) -> None:
    library = main_window.model_library
    oslo = replace(LISTING.models[3], takes_language_model=True)
    offers = (
        LanguageModelOffer("nb-3gram", "Norwegian 3-gram", "nb", "CC0", 34_000_000, "Bokmål only"),
        LanguageModelOffer("nb-4gram", "Norwegian 4-gram", "nb", "CC0", None, kept_bytes=12_000_000),
        LanguageModelOffer("de-3gram", "German 3-gram", "de", "CC0", 34_000_000),
    )
    listed = (*LISTING.models[:3], oslo, *LISTING.models[4:])
    library.listing_changed.emit(replace(LISTING, models=listed, language_models=offers))
    assert verbs(models, "oslo") == ["use", "language", "remove"]
    assert verbs(models, "starter") == []
    actions = models.rows["oslo"].language_menu.actions()
    assert [action.text() for action in actions] == [
        "Norwegian 3-gram · 34 MB",
        "Norwegian 4-gram · size unknown · 12 MB have been downloaded already",
    ]
    assert actions[0].toolTip() == "CC0 · Bokmål only"
    actions[0].trigger()
    name = "Norwegian 3-gram for Oslo"
    assert library.calls == [("download_language_model", "nb-3gram", name, "/home/anna/models/oslo")]
    job = LibraryJob("nb-3gram", name, LibraryJobState.DOWNLOADING, 1_000_000, 34_000_000, 1e6, 33.0, 0.03)
    library.jobs = (job,)
    library.job_changed.emit(job)
    assert "Imports and downloads" in shown(models)
    assert verbs(models, "nb-3gram") == ["pause", "cancel"]
    library.job_changed.emit(replace(job, state=LibraryJobState.PAUSED))
    models.rows["nb-3gram"].buttons["resume"].click()
    assert library.calls[-1] == ("retry", "nb-3gram")
    library.jobs = ()
    library.job_changed.emit(replace(job, state=LibraryJobState.DONE, message="Oslo with it"))
    assert models.remark.text() == "Oslo with it is ready to use."
    assert "nb-3gram" not in models.rows


def test_a_failure_tells_why_and_what_to_do(main_window: MainWindow, models: ModelsWindow) -> None:
    failed = replace(DOWNLOADING, state=LibraryJobState.FAILED, message="The server refuses it.", remedy="Try later.")
    main_window.model_library.jobs = (failed,)
    main_window.model_library.job_changed.emit(failed)
    row = models.rows["base-960h"]
    assert "The server refuses it. · Try later." in row.status.text()
    assert verbs(models, "base-960h") == ["retry", "discard"]
    row.buttons["retry"].click()
    row.buttons["discard"].click()
    assert [call[0] for call in main_window.model_library.calls] == ["download", "cancel"]
    assert "The server refuses it." in main_window.banner.title.text()


def test_what_an_earlier_run_left_is_discarded(main_window: MainWindow, models: ModelsWindow) -> None:
    models.rows["large-lv60k"].buttons["discard"].click()
    assert main_window.model_library.calls == [("discard_kept", "large-lv60k")]


def test_use_chooses_the_model_and_the_row_says_so(main_window: MainWindow, models: ModelsWindow) -> None:
    models.rows["oslo"].buttons["use"].click()
    assert main_window.session.asked("configure_recognizer") == [
        RecognizerSettings(model_path="/home/anna/models/oslo")
    ]
    assert models.rows["oslo"].title.text() == "Oslo (in use)"
    assert verbs(models, "oslo") == []
    assert verbs(models, "starter") == ["use", "language"]


def test_a_row_is_as_high_as_its_words_when_another_model_is_in_use(
    main_window: MainWindow, models: ModelsWindow, qtbot: QtBot
) -> None:
    """A row without the button that it had and one with a new one: together they are as high as before."""
    rates = tuple(f"{turn} % word errors, {'a long explanation ' * 8}" for turn in range(3))
    listing = replace(LISTING, models=tuple(replace(model, rates=rates) for model in LISTING.models))
    main_window.model_library.listing_changed.emit(listing)
    models.rows["oslo"].buttons["use"].click()
    rows = [models.rows["starter"], models.rows["oslo"]]
    qtbot.waitUntil(lambda: all(row.height() == row.heightForWidth(row.width()) for row in rows))
    assert rows[0].height() > rows[1].height()
    assert rows[0].rates.width() == rows[1].rates.width(), "buttons above do not narrow the text"


def test_using_a_model_leaves_the_keyboard_in_its_row(models: ModelsWindow, qtbot: QtBot) -> None:
    """The next key that is pressed must not download the model below."""
    row = models.rows["oslo"]
    row.buttons["use"].setFocus()
    qtbot.keyClick(row.buttons["use"], Qt.Key.Key_Space)
    assert models.focusWidget() is row
    assert row.accessibleName() == "Oslo (in use)"
    qtbot.keyClick(row, Qt.Key.Key_Tab)
    assert models.focusWidget() is not row


def test_removing_asks_first(main_window: MainWindow, models: ModelsWindow, qtbot: QtBot) -> None:
    row = models.rows["oslo"]
    row.buttons["remove"].setFocus()
    qtbot.keyClick(row.buttons["remove"], Qt.Key.Key_Space)
    assert "Remove Oslo and free 360 MB?" in row.status.text()
    assert models.focusWidget() is row.keep_button, "the safe answer is the one under the key"
    qtbot.keyClick(row.keep_button, Qt.Key.Key_Space)
    assert main_window.model_library.calls == []
    row.buttons["remove"].click()
    row.buttons["remove"].click()
    assert main_window.model_library.calls == [("remove", "/home/anna/models/oslo")]


def test_errors_of_the_library_are_told_in_the_window_and_else_in_the_banner(
    main_window: MainWindow, models: ModelsWindow
) -> None:
    error = ModelNotRemovable("It came with the program.")
    main_window.model_library.failed.emit(error)
    assert "It came with the program." in models.remark.text()
    models.close()
    main_window.model_library.failed.emit(error)
    assert main_window.banner.title.text() == "It came with the program."


def test_the_network_switch_and_the_mirror_are_settings(
    main_window: MainWindow, models: ModelsWindow, qtbot: QtBot
) -> None:
    models.offline.setFocus()
    qtbot.keyClick(models.offline, Qt.Key.Key_Space)
    assert main_window.settings_store.settings.network == NetworkSettings(is_allowed=False)
    qtbot.keyClicks(models.mirror, "https://mirror.example ")
    qtbot.keyClick(models.mirror, Qt.Key.Key_Return)
    stored = main_window.settings_store.settings.network
    assert stored == NetworkSettings(is_allowed=False, mirror_url="https://mirror.example")
    assert models.isVisible(), "Return must not close the window"
    main_window.settings_store.update(NetworkSettings())
    assert not models.offline.isChecked()
    assert models.mirror.text() == ""


def test_a_model_dropped_on_either_window_is_imported_and_sound_is_transcribed(
    main_window: MainWindow, models: ModelsWindow
) -> None:
    main_window.model_library.models_on_disk = {Path("/usb/german")}
    drop(main_window, "/usb/german", "/home/a.wav")
    assert main_window.model_library.calls == [("import_from", Path("/usb/german"))]
    assert main_window.file_queue.added == [Path("/home/a.wav")]
    drop(models, "/usb/czech")
    assert main_window.model_library.calls[-1] == ("import_from", Path("/usb/czech"))


def test_an_import_has_a_row_of_its_own_until_it_is_done(main_window: MainWindow, models: ModelsWindow) -> None:
    library, job = main_window.model_library, LibraryJob("import:/usb/czech", "czech", LibraryJobState.IMPORTING)
    library.job_changed.emit(job)
    assert verbs(models, job.key) == ["cancel"]
    assert models.rows[job.key].progress.maximum() == 0, "how long it takes is not known yet"
    library.job_changed.emit(replace(job, state=LibraryJobState.FAILED, message="vocab.json is missing."))
    models.rows[job.key].buttons["retry"].click()
    assert library.calls == [("retry", job.key)]
    library.job_changed.emit(replace(job, state=LibraryJobState.DONE, message="Czech"))
    assert job.key not in models.rows
    assert models.remark.text() == "Czech is ready to use."


def test_an_import_that_began_in_the_main_window_is_told_there(window: MainWindow) -> None:
    job = LibraryJob("import:/usb/czech", "czech")
    window.model_library.job_changed.emit(job)
    assert window.toast.text() == "Importing czech"
    window.model_library.job_changed.emit(replace(job, state=LibraryJobState.FAILED, message="No.", remedy="Do."))
    assert window.banner.title.text() == "czech: No."
    window.model_library.job_changed.emit(replace(job, state=LibraryJobState.DONE, message="Czech"))
    assert window.toast.text() == "Czech is ready to use (Models: F6)"
    window.model_library.jobs = (job,)
    window.models_link.open()
    assert job.key in window.models_link.window.rows


def test_rows_keep_their_place_in_the_order_of_the_keyboard(models: ModelsWindow, qtbot: QtBot) -> None:
    models.import_button.setFocus()
    reached: list[QWidget] = []
    while models.mirror not in reached:
        qtbot.keyClick(models.focusWidget(), Qt.Key.Key_Tab)
        reached.append(models.focusWidget())
    names = [widget.accessibleName() for widget in reached if isinstance(widget, QPushButton)]
    assert names == [
        "Download wav2vec 2.0 base", "Resume wav2vec 2.0 large LV-60k", "Discard wav2vec 2.0 large LV-60k",
        "Language model Starter English", "Use Oslo", "Remove Oslo",
        "Download VoxPopuli base French", "Download VoxPopuli base German",
    ]  # fmt: skip
    assert reached[-2:] == [models.offline, models.mirror]


def test_everything_in_the_window_has_a_name(models: ModelsWindow) -> None:
    nameless = [widget for widget in interactive(models) if not widget.accessibleName()]
    assert [widget for widget in nameless if not isinstance(widget.parentWidget(), type(models.filter))] == []


def test_the_chosen_model_is_the_one_in_use(make_window: Callable[..., MainWindow]) -> None:
    window = make_window(Settings(recognizer=RecognizerSettings(model_path="/home/anna/models/oslo")))
    window.status_bar.manager_wanted.emit()
    window.model_library.listing_changed.emit(LISTING)
    assert window.models_link.window.rows["oslo"].title.text() == "Oslo (in use)"


def test_a_downloaded_model_is_not_in_use_until_it_is_chosen(main_window: MainWindow, models: ModelsWindow) -> None:
    """It stands before the starter, in the order of the catalogue."""
    downloaded = replace(LISTING.models[0], path="/home/anna/models/base-960h", can_remove=True)
    main_window.model_library.listing_changed.emit(replace(LISTING, models=(downloaded, *LISTING.models[1:])))
    assert verbs(models, "base-960h") == ["use", "remove"]
    assert models.rows["starter"].title.text() == "Starter English (in use)"


@pytest.mark.parametrize("path", ["/home/anna/models/oslo", "/home/anna/models/new"])
def test_only_another_language_model_for_the_model_in_use_has_it_loaded_anew(
    make_window: Callable[..., MainWindow], path: str
) -> None:
    """The file may be dropped on the main window before the list of models was ever read."""
    window = make_window(Settings(recognizer=RecognizerSettings(model_path="/home/anna/models/oslo")))
    job = LibraryJob("import:/usb/choir.arpa", "choir.arpa", LibraryJobState.DONE, path=path)
    window.model_library.job_changed.emit(job)
    window.model_library.listing_changed.emit(LISTING)
    window.model_library.listing_changed.emit(LISTING)
    assert len(window.session.asked("reload_model")) == (path == "/home/anna/models/oslo")


def test_the_first_model_of_all_is_loaded_when_it_is_there(make_window: Callable[..., MainWindow]) -> None:
    window = make_window()
    downloaded = replace(LISTING.models[0], path="/home/anna/models/base-960h")
    window.model_library.listing_changed.emit(replace(LISTING, models=LISTING.models[:1], first_path=""))
    window.model_library.job_changed.emit(
        LibraryJob(downloaded.key, downloaded.name, LibraryJobState.DONE, path=downloaded.path)
    )
    window.model_library.listing_changed.emit(replace(LISTING, models=(downloaded,), first_path=downloaded.path))
    assert len(window.session.asked("reload_model")) == 1


def test_a_model_that_disappears_from_the_list_goes(main_window: MainWindow, models: ModelsWindow) -> None:
    fewer = replace(LISTING, models=tuple(model for model in LISTING.models if model.key != "oslo"))
    main_window.model_library.listing_changed.emit(fewer)
    assert "oslo" not in models.rows
    again = LibraryModel("new", "New", "cs", "MIT", 1, path="/home/anna/models/new", can_remove=True)
    main_window.model_library.listing_changed.emit(replace(fewer, models=(*fewer.models, again)))
    assert verbs(models, "new") == ["use", "remove"]
