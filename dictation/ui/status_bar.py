"""The slim bar: health, latency, device and model, each a button that opens its picker."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QPushButton, QWidget

from dictation.core.records import Health
from dictation.core.settings import AudioSettings, RecognizerSettings
from dictation.core.status import InputDevice, InputStatus, ModelChoice, ModelState, ModelStatus
from dictation.ui.health_popover import HealthPopover
from dictation.ui.icons import set_icon
from dictation.ui.input_picker import device_choices
from dictation.ui.presentation import INPUT_LOOKS, MODEL_LOOKS, input_text, input_trouble, model_text, model_trouble

HEIGHT_PX = 40
WORDS_PX = 256
"""A longer name is shortened on its button, so that it cannot widen the window."""
_PROCESSOR_WORDS = {"auto": "Automatic", "cpu": "CPU", "cuda": "GPU (CUDA)"}
BEHIND_WARNING_S = 2.0


def latency_text(health: Health) -> str:
    """Median and 95th percentile as the bar writes them."""
    if health.latency_p50_ms is None or health.latency_p95_ms is None:
        return "Latency: none yet"
    return f"Latency {health.latency_p50_ms:.0f} / {health.latency_p95_ms:.0f} ms"


def health_text(health: Health) -> str:
    """Seconds behind and lost as the bar writes them."""
    return f"{health.behind_s:.1f} s behind · {health.lost_s:.1f} s lost"


class StatusBar(QFrame):
    """Four flat buttons; what they open is filled in from the session when it is opened."""

    devices_wanted = Signal()
    models_wanted = Signal()
    manager_wanted = Signal()
    input_chosen = Signal(object)
    recognizer_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusBar")
        self.setFixedHeight(HEIGHT_PX)
        self._devices: tuple[InputDevice, ...] = ()
        self._audio = AudioSettings()
        self._models: tuple[ModelChoice, ...] = ()
        self._recognizer = RecognizerSettings()
        self._trouble: tuple[str, str] | None = None
        self.popover = HealthPopover(self)
        self.health_button = self._button("pulse", "Seconds behind and seconds lost; press for details")
        self.latency_button = self._button("clock", "From the end of speech to final text: median and 95th percentile")
        self.device_button = self._button("microphone", "Choose the input")
        self.model_button = self._button("chip", "Choose the model and the processor")
        self.device_menu, self.model_menu = QMenu(self), QMenu(self)
        self.device_menu.setAccessibleName("Inputs")
        self.model_menu.setAccessibleName("Models")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 8, 3)
        row.setSpacing(8)
        row.addWidget(self.health_button)
        row.addWidget(self.latency_button)
        row.addStretch(1)
        row.addWidget(self.device_button)
        row.addWidget(self.model_button)
        self.health_button.clicked.connect(lambda: self.popover.open_above(self.health_button))
        self.latency_button.clicked.connect(lambda: self.popover.open_above(self.latency_button))
        self.device_button.clicked.connect(self._open_devices)
        self.model_button.clicked.connect(self._open_models)
        self.show_health(Health())
        self.show_input(InputStatus(next(iter(INPUT_LOOKS))))
        self.show_model(ModelStatus(ModelState.LOADING))

    def show_health(self, health: Health) -> None:
        """Show the numbers; trouble gets the warning sign as well as words."""
        is_well = health.lost_s == 0 and health.behind_s < BEHIND_WARNING_S
        self._label(self.health_button, health_text(health), "Health")
        set_icon(self.health_button, "pulse" if is_well else "warning", "good" if is_well else "warning")
        self._label(self.latency_button, latency_text(health), "")
        self.popover.show_health(health)

    def show_input(self, status: InputStatus) -> None:
        """Show the input device or what is wrong with it."""
        look = INPUT_LOOKS[status.state]
        self._label(self.device_button, input_text(status), "Input")
        set_icon(self.device_button, look.icon, look.role)
        trouble = input_trouble(status)
        words = " ".join(trouble) if trouble else "Choose the input"
        self.device_button.setToolTip(f"{input_text(status)}. {words}")

    def show_model(self, status: ModelStatus) -> None:
        """Show the model and where it runs, or what is wrong with it."""
        look = MODEL_LOOKS[status.state]
        self._label(self.model_button, model_text(status), "Model")
        set_icon(self.model_button, look.icon, look.role)
        self._trouble = model_trouble(status)
        words = " ".join(self._trouble) if self._trouble else "Choose the model and the processor"
        self.model_button.setToolTip(f"{model_text(status)}. {words}")

    def set_devices(self, devices: tuple[InputDevice, ...]) -> None:
        """Take over a new list of inputs; an open menu follows."""
        self._devices = devices
        if self.device_menu.isVisible():
            self._fill_devices()

    def set_models(self, models: tuple[ModelChoice, ...]) -> None:
        """Take over the list of models."""
        self._models = models

    def set_audio(self, settings: AudioSettings) -> None:
        """Show which input is chosen."""
        self._audio = settings

    def set_recognizer(self, settings: RecognizerSettings) -> None:
        """Show which model and processor are chosen."""
        self._recognizer = settings

    def _button(self, icon: str, tip: str) -> QPushButton:
        """A flat button of the bar."""
        button = QPushButton()
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        set_icon(button, icon)
        return button

    @staticmethod
    def _label(button: QPushButton, words: str, name: str) -> None:
        """Write words on a button, whole ones for a screen reader; "&" is no mnemonic in names."""
        shown = button.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, WORDS_PX)
        button.setText(shown.replace("&", "&&"))
        button.setAccessibleName(f"{name}: {words}" if name else words)

    def _open_devices(self) -> None:
        """Open the list of inputs, and ask for a fresh one meanwhile."""
        self.devices_wanted.emit()
        self._fill_devices()
        _open_above(self.device_menu, self.device_button)

    def _fill_devices(self) -> None:
        """Write the inputs into the menu."""
        self.device_menu.clear()
        group = QActionGroup(self.device_menu)
        for label, name, host_api in device_choices(self._devices, self._audio):
            is_chosen = (name, host_api) == (self._audio.device_name, self._audio.host_api)
            chosen = AudioSettings(device_name=name, host_api=host_api)
            action = self._choice(self.device_menu, group, label, is_chosen=is_chosen)
            action.triggered.connect(lambda _checked=False, settings=chosen: self.input_chosen.emit(settings))
        self.device_menu.addSeparator()
        self.device_menu.addAction("Look again").triggered.connect(self.devices_wanted)

    def _open_models(self) -> None:
        """Open the list of models and processors."""
        self.models_wanted.emit()
        self._fill_models()
        _open_above(self.model_menu, self.model_button)

    def _fill_models(self) -> None:
        """Write models and processors into the menu."""
        self.model_menu.clear()
        if self._trouble:
            for words in self._trouble:
                self.model_menu.addAction(words).setEnabled(False)
            self.model_menu.addAction("Try again").triggered.connect(self._retry_model)
            self.model_menu.addSeparator()
        group = QActionGroup(self.model_menu)
        for index, model in enumerate(self._models):
            label = f"{model.name} ({model.language}, {model.size_bytes / 1e6:.0f} MB, {model.licence})"
            is_chosen = self._recognizer.model_path == model.path or (not self._recognizer.model_path and index == 0)
            action = self._choice(self.model_menu, group, label, is_chosen=is_chosen)
            action.triggered.connect(lambda _checked=False, path=model.path: self._choose(model_path=path))
        self.model_menu.addAction("More models…").triggered.connect(self.manager_wanted)
        self.model_menu.addSection("Processor")
        processors = QActionGroup(self.model_menu)
        for processor, words in _PROCESSOR_WORDS.items():
            is_chosen = processor == self._recognizer.processor
            action = self._choice(self.model_menu, processors, words, is_chosen=is_chosen)
            action.triggered.connect(lambda _checked=False, name=processor: self._choose(processor=name))

    def _choose(self, **changes: str) -> None:
        """Announce the recogniser settings with a change."""
        self.recognizer_chosen.emit(replace(self._recognizer, **changes))

    def _retry_model(self) -> None:
        """Announce the same settings again, which loads the model again."""
        self.recognizer_chosen.emit(self._recognizer)

    @staticmethod
    def _choice(menu: QMenu, group: QActionGroup, label: str, *, is_chosen: bool) -> QAction:
        """One of several alternatives in a menu."""
        action = menu.addAction(label.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(is_chosen)
        group.addAction(action)
        return action


def _open_above(menu: QMenu, button: QWidget) -> None:
    """Open a menu with its lower right corner at the button's upper right one."""
    size = menu.sizeHint()
    menu.popup(button.mapToGlobal(QPoint(button.width() - size.width(), -size.height() - 4)))
