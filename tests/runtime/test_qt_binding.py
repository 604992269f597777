"""The Qt binding must not give away references that it does not own (docs/adr/0011)."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QCoreApplication, QObject, Signal


class _Sender(QObject):
    told = Signal(object)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="True and None are immortal from Python 3.12 on")
def test_emitting_a_signal_does_not_consume_true_or_none(qapp: QCoreApplication) -> None:
    """Symptom with PySide6 6.12.0 on Python 3.11: "Fatal Python error: bool_dealloc" after minutes of listening.

    Each emit released one reference to True; the level strip alone emits 25 times a second.
    """
    sender = _Sender()
    sender.told.connect(lambda _value: None)
    before = sys.getrefcount(True), sys.getrefcount(None)
    for number in range(1000):
        sender.told.emit(number)
    after = sys.getrefcount(True), sys.getrefcount(None)
    assert all(abs(now - then) < 100 for now, then in zip(after, before, strict=True))
