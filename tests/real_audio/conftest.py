"""Offers the virtual microphone to every test in this folder."""

from __future__ import annotations

from tests.support.pulse_fixtures import pulse_daemon, virtual_microphone

__all__ = ["pulse_daemon", "virtual_microphone"]
