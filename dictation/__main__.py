"""``python -m dictation``."""

from __future__ import annotations

if __name__ == "__main__":  # not in the processes that search beside this one, which import this file by another name
    from dictation.app import main

    main()
