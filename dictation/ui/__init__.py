"""Widgets only: no numpy, no torch, no file formats."""
