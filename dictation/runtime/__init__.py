"""Threads, sessions and stores: QtCore only, never QtWidgets."""
