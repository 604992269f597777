"""The input picker: device by name and host API, and which of its channels."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QToolButton, QWidget

from dictation.core.settings import AudioSettings
from dictation.core.status import InputDevice
from dictation.ui.icons import set_icon

SYSTEM_DEFAULT = "System default"
_MAX_CHANNEL = AudioSettings.__dataclass_fields__["channel"].metadata["high"]


def device_label(name: str, host_api: str) -> str:
    """A device as the pickers write it."""
    if not name:
        return SYSTEM_DEFAULT
    return f"{name} ({host_api})" if host_api else name


def device_choices(devices: tuple[InputDevice, ...], chosen: AudioSettings) -> list[tuple[str, str, str]]:
    """Label, name and host API of every choice: the default first, a chosen device that is absent last."""
    choices = [(SYSTEM_DEFAULT, "", "")]
    choices += [(device_label(device.name, device.host_api), device.name, device.host_api) for device in devices]
    wanted = (chosen.device_name, chosen.host_api)
    if wanted not in [choice[1:] for choice in choices]:
        choices.append((f"{device_label(*wanted)}, not connected", *wanted))
    return choices


class InputPicker(QWidget):
    """Chooses device and channel; the list is the session's."""

    input_chosen = Signal(object)
    refresh_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._devices: tuple[InputDevice, ...] = ()
        self._settings = AudioSettings()
        self.device_box = QComboBox()
        self.device_box.setAccessibleName("Input device")
        self.device_box.setToolTip("The microphone, by name and audio system")
        self.device_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device_box.activated.connect(self._on_device)
        self.channel_box = QComboBox()
        self.channel_box.setAccessibleName("Channel")
        self.channel_box.setToolTip("Which channel of the device to use")
        self.channel_box.activated.connect(self._on_channel)
        for box in (self.device_box, self.channel_box):
            box.view().setAccessibleName(f"{box.accessibleName()} choices")
        self.refresh_button = QToolButton()
        self.refresh_button.setProperty("compact", True)
        self.refresh_button.setIconSize(QSize(16, 16))
        self.refresh_button.setAccessibleName("Refresh the list of inputs")
        self.refresh_button.setToolTip("Look for new devices")
        set_icon(self.refresh_button, "refresh", "muted")
        self.refresh_button.clicked.connect(self.refresh_wanted)
        self._lay_out()
        self._show()

    def set_devices(self, devices: tuple[InputDevice, ...]) -> None:
        """Take over a new list."""
        self._devices = devices
        self._show()

    def set_settings(self, settings: AudioSettings) -> None:
        """Show what is chosen."""
        self._settings = settings
        self._show()

    def _lay_out(self) -> None:
        """Device and refresh above, channel below."""
        grid = QGridLayout(self, horizontalSpacing=8, verticalSpacing=8)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.device_box, 0, 0, 1, 2)
        grid.addWidget(self.refresh_button, 0, 2)
        label = QLabel("Channel")
        label.setBuddy(self.channel_box)
        grid.addWidget(label, 1, 0)
        grid.addWidget(self.channel_box, 1, 1)

    def _show(self) -> None:
        """Fill the boxes without announcing anything."""
        wanted = (self._settings.device_name, self._settings.host_api)
        self.device_box.clear()
        for label, name, host_api in device_choices(self._devices, self._settings):
            self.device_box.addItem(label, (name, host_api))
            if (name, host_api) == wanted:
                self.device_box.setCurrentIndex(self.device_box.count() - 1)
        self.channel_box.clear()
        count = max(self._channels(wanted), self._settings.channel)
        self.channel_box.addItems([str(channel) for channel in range(1, count + 1)])
        self.channel_box.setCurrentIndex(self._settings.channel - 1)

    def _channels(self, wanted: tuple[str, str]) -> int:
        """How many channels the chosen device has; all that are possible while that is unknown."""
        for device in self._devices:
            if (device.name, device.host_api) == wanted or (not wanted[0] and device.is_default):
                return device.channels
        return int(_MAX_CHANNEL)

    def _on_device(self, index: int) -> None:
        """Announce another device; its first channel is a fresh start."""
        name, host_api = self.device_box.itemData(index)
        if (name, host_api) != (self._settings.device_name, self._settings.host_api):
            self.input_chosen.emit(AudioSettings(device_name=name, host_api=host_api))

    def _on_channel(self, index: int) -> None:
        """Announce another channel of the same device."""
        self.input_chosen.emit(AudioSettings(self._settings.device_name, self._settings.host_api, index + 1))
