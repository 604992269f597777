"""``dictation devices``: the inputs as the program sees them."""

from __future__ import annotations

import click

from dictation.core.errors import NoInputDevice


@click.command()
def devices() -> None:
    """List the input devices; a star marks the system's default."""
    from dictation.audio.devices import list_inputs

    found = list_inputs()
    if not found:
        raise NoInputDevice("There is no input device.")
    width = max(len(device.name) for device in found)
    for device in found:
        star = "*" if device.is_default else " "
        channels = "1 channel" if device.channels == 1 else f"{device.channels} channels"
        click.echo(f"{star} {device.name:{width}}  {device.host_api}, {channels}, {device.default_rate_hz} Hz")
