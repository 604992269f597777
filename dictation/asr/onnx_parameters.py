"""The parameters of a CTC network in an ONNX file, without torch and onnxruntime."""

from __future__ import annotations

from dataclasses import dataclass

LAYOUTS = ("mel-time", "time-mel")


@dataclass(frozen=True)
class OnnxCtcParameters:
    """How an ONNX network is fed and read; see ``onnx_network.py``.

    Attributes:
        layout: Of its input behind the batch: ``mel-time`` (NeMo) or ``time-mel`` (icefall).
        hops_per_frame: From one output frame to the next.
        fewest_hops: Needed for one frame.
        first_middle_hops: From the start to the middle of what the first frame sees.
        silent_outputs: Outputs that are never text and left out, in order; the labels stand for the others.
    """

    layout: str
    hops_per_frame: int
    fewest_hops: int
    first_middle_hops: float
    silent_outputs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Validate; ``ValueError`` says what is wrong."""
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout must be {' or '.join(map(repr, LAYOUTS))}, not {self.layout!r}")
        for name in ("hops_per_frame", "fewest_hops"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.first_middle_hops < 0:
            raise ValueError("first_middle_hops must not be negative")
        if list(self.silent_outputs) != sorted({output for output in self.silent_outputs if output >= 0}):
            raise ValueError("silent_outputs must be different whole numbers in order, 0 or more")
