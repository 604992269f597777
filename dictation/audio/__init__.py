"""Microphones and audio files: sounddevice and PyAV, no Qt."""
