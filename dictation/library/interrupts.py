"""The two ways in which a caller breaks off a download; not errors that a user sees."""

from __future__ import annotations


class DownloadCancelled(Exception):
    """``is_cancelled`` said so, and nothing is left."""


class DownloadPaused(Exception):
    """``is_paused`` said so; the part that arrived is kept, and the next ``fetch`` goes on from there."""
