"""Personal n-gram language models: documents in, a KenLM model out. No Qt, no torch, no network."""
