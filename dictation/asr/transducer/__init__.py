"""Streaming transducers: a network, a search and a recogniser of their own, since CTC's have no place for states."""
