"""Read the Gaussians of a phonetically tied CMU Sphinx model (means, variances, sendump, binary mdef).

The formats are those of PocketSphinx 5, whose Python wheel carries the en-us model (BSD licence).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Floats = npt.NDArray[np.float32]

STATES_PER_PHONE = 3
SILENCE = "SIL"
_BYTE_ORDER = 0x11223344
_LEAST_VARIANCE = 1e-4
_LOG_UNIT = 1024 * math.log(1.0001)  # mixture weights are stored in steps of 2^10 on a scale to base 1.0001


@dataclass(frozen=True)
class StateTying:
    """Which tied states the phones' states share.

    Attributes:
        phones: Names of the context-independent phones, fillers included.
        codebooks: For each tied state its phone, shape (tied states,).
        pool: Rows that average to: phone state, left neighbour, right neighbour; shape (tied states, 5 x phones).
    """

    phones: tuple[str, ...]
    codebooks: npt.NDArray[np.int64]
    pool: Floats


def read_gaussians(folder: Path) -> dict[str, Tensor]:
    """The buffers of ``dictation.asr.tandem.GaussianPosteriors``."""
    means = _read_parameters(folder / "means")  # (codebooks, streams, densities, cepstra)
    variances = np.maximum(_read_parameters(folder / "variances"), _LEAST_VARIANCE)
    tying = read_tying(folder / "mdef")
    order = np.argsort(tying.codebooks, kind="stable")
    slopes = np.concatenate([means / variances, -0.5 / variances], axis=-1).transpose(1, 3, 0, 2)
    constants = -0.5 * (np.log(2 * np.pi * variances) + means * means / variances).sum(axis=-1)
    streams = means.shape[1]
    return {
        "slopes": torch.from_numpy(slopes.reshape(streams, slopes.shape[1], -1).copy()),
        "offsets": torch.from_numpy(constants.transpose(1, 0, 2).reshape(streams, 1, -1).copy()),
        "weights": torch.from_numpy(_read_mixture_weights(folder / "sendump")[:, :, order]),
        "codebook_states": torch.from_numpy(np.bincount(tying.codebooks, minlength=len(tying.phones))),
        "pool": torch.from_numpy(tying.pool[order]),
    }


def _read_parameters(path: Path) -> Floats:
    """Means or variances, shape (codebooks, streams, densities, cepstra)."""
    data = path.read_bytes()
    place = data.index(b"endhdr\n") + len(b"endhdr\n")
    order, codebooks, streams, densities = struct.unpack_from("<I3i", data, place)
    if order != _BYTE_ORDER:
        raise ValueError(f"{path} is not a little-endian Sphinx parameter file")
    lengths = struct.unpack_from(f"<{streams}i", data, place + 16)
    values = np.frombuffer(data, "<f4", codebooks * densities * sum(lengths), place + 16 + 4 * streams + 4)
    return values.reshape(codebooks, streams, densities, lengths[0])


def _read_mixture_weights(path: Path) -> Floats:
    """Mixture weights, shape (streams, densities, tied states); each mixture sums to 1."""
    data = path.read_bytes()
    place, streams = 0, 1
    while length := struct.unpack_from("<i", data, place)[0]:
        line = data[place + 4 : place + 3 + length].decode()
        place += 4 + length
        if line.startswith("feature_count"):
            streams = int(line.split()[1])
    densities, states = struct.unpack_from("<2i", data, place + 4)
    levels = np.frombuffer(data, "u1", streams * densities * states, place + 12).reshape(streams, densities, states)
    weights = np.exp(-_LOG_UNIT * levels.astype(np.float32))
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def read_tying(path: Path) -> StateTying:
    """Read a binary model definition."""
    data = path.read_bytes()
    place = 12 + struct.unpack_from("<i", data, 8)[0]
    phone_count, all_phones, _, own_states, tied_states, _, _, _, tree_nodes, _ = struct.unpack_from(
        "<10i", data, place
    )
    place += 40
    names = tuple(name.decode() for name in data[place : place + 64 * phone_count].split(b"\0")[:phone_count])
    place += -(-sum(len(name) + 1 for name in names) // 4) * 4 + 8 * tree_nodes
    form = np.dtype([("sequence", "<i4"), ("transitions", "<i4"), ("contexts", "u1", 4)])
    phones = np.frombuffer(data, form, all_phones, place)
    place += form.itemsize * all_phones
    count = struct.unpack_from("<i", data, place)[0]
    sequences = np.frombuffer(data, "<u2", count, place + 4).reshape(-1, STATES_PER_PHONE).astype(np.int64)
    codebooks = np.zeros(tied_states, np.int64)
    codebooks[:own_states] = np.arange(own_states) // STATES_PER_PHONE
    pool = np.zeros((tied_states, (STATES_PER_PHONE + 2) * phone_count), np.float32)
    states = sequences[phones["sequence"]]  # (phones in context, states)
    bases, lefts, rights = phones["contexts"][:, 1:].astype(np.int64).T
    bases[:phone_count] = np.arange(phone_count)
    in_context = np.arange(all_phones) >= phone_count
    for state in range(STATES_PER_PHONE):
        codebooks[states[:, state]] = bases
        np.add.at(pool, (states[:, state], STATES_PER_PHONE * bases + state), 1)
        for block, neighbours in enumerate((lefts, rights)):
            columns = (STATES_PER_PHONE + block) * phone_count + neighbours
            np.add.at(pool, (states[in_context, state], columns[in_context]), 1)
    return StateTying(names, codebooks, _rows_to_shares(pool, phone_count))


def _rows_to_shares(pool: Floats, phone_count: int) -> Floats:
    """Let each row sum to 1 over the phone states, over the left and over the right neighbours."""
    blocks = np.split(pool, [STATES_PER_PHONE * phone_count, (STATES_PER_PHONE + 1) * phone_count], axis=1)
    return np.concatenate([block / np.maximum(block.sum(axis=1, keepdims=True), 1) for block in blocks], axis=1)
