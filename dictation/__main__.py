"""``python -m dictation``."""

from __future__ import annotations

from dictation.app import main

main()
