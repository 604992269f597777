"""The network of a model folder alone, through the app's own code."""

from __future__ import annotations

import torch

from dictation.asr.decoder import LogProbs
from dictation.asr.model_folder import ModelFolder
from dictation.asr.network import load_network
from dictation.asr.processor import TorchAcoustics
from dictation.core.records import Samples


class Network:
    """Front end and network on one core of the CPU."""

    def __init__(self, folder: ModelFolder) -> None:
        torch.set_num_threads(1)
        weights = folder.required_file("weights")
        width, labels = folder.features.width, len(folder.labels)
        network = load_network(folder.architecture, folder.architecture_parameters, width, labels, weights)
        self._acoustics = TorchAcoustics(folder.features.build(), network)

    def log_probs(self, samples: Samples) -> LogProbs:
        """Log-probabilities of the labels, shape (frames, labels)."""
        return self._acoustics.log_probs(samples, lambda: None)
