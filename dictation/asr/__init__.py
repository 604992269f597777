"""Acoustic model, language model and decoding: torch, no Qt, no audio devices."""
