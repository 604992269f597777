"""``python main.py``: the same program as ``python -m dictation`` and the installed command ``dictation``."""

from __future__ import annotations

from dictation.app import main

if __name__ == "__main__":
    main()
