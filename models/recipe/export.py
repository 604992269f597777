"""Pack a trained network, its lexicon and its language model into a model folder that the app opens."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import tomli_w
import torch
from corpus import BLANK, SYMBOLS
from front_end import FEATURES
from prepare import tandem_parameters
from safetensors.torch import save_file
from sphinx_model import read_gaussians
from torch import Tensor

from dictation.asr.decoding import LEXICON, DecodingParameters
from dictation.asr.model_folder import DESCRIPTION_FILE, FORMAT_VERSION, open_model_folder
from dictation.asr.network import TandemParameters
from dictation.asr.recognizer import Recognizer
from dictation.core.settings import RecognizerSettings

FILES = {
    "weights": "weights.safetensors",
    "lexicon": "lexicon.txt",
    "language_model": "lm.bin",
    "letter_sounds": "letter_sounds.txt",
    "self_test_clip": "reference.wav",
    "licences": "LICENCES.txt",
}
FULL_PRECISION = ("gaussians.slopes", "gaussians.offsets")
"""Differences of large numbers: half precision would spoil the likelihoods."""


def write_weights(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write them in half precision where that is enough."""
    stored = {
        name: (tensor.half() if tensor.is_floating_point() and name not in FULL_PRECISION else tensor).contiguous()
        for name, tensor in tensors.items()
    }
    save_file(stored, path)


def describe(folder: Path, head: dict[str, Any], parameters: TandemParameters, decoding: DecodingParameters) -> str:
    """The text of model.toml for the files that lie in the folder."""
    present = {role: folder / name for role, name in FILES.items() if (folder / name).exists()}
    table = {
        "format_version": FORMAT_VERSION,
        **head,
        "architecture": {"kind": "tandem-conformer", **asdict(parameters)},
        "features": asdict(FEATURES),
        "labels": {"symbols": list(SYMBOLS), "blank": BLANK, "word_separator": ""},
        "decoding": asdict(decoding),
        "files": {role: _entry(path) for role, path in present.items()},
    }
    return tomli_w.dumps(table)


def _entry(path: Path) -> dict[str, object]:
    """A file as model.toml names it."""
    data = path.read_bytes()
    return {"name": path.name, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _copy(language: Path, clip: Path | None, licences: Path | None, output: Path) -> None:
    """Bring the files that are used as they are."""
    sources = [(language / FILES[role], role) for role in ("lexicon", "language_model", "letter_sounds")]
    sources += [(given, role) for given, role in ((clip, "self_test_clip"), (licences, "licences")) if given]
    with click.progressbar(sources, label="Copying") as bar:
        for source, role in bar:
            if role != "letter_sounds" or source.exists():
                shutil.copyfile(source, output / FILES[role])


@click.command()
@click.option("--checkpoint", type=click.Path(exists=True, path_type=Path), required=True, help="Written by train.py.")
@click.option("--sphinx", type=click.Path(exists=True, path_type=Path), required=True, help="CMU Sphinx en-us folder.")
@click.option("--language", type=click.Path(exists=True, path_type=Path), required=True, help="build_lm.py's output.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The model folder.")
@click.option("--name", default="", help="What the user sees; the folder's name if not given.")
@click.option("--licence", default="not stated", show_default=True, help="Of the weights and of the language model.")
@click.option("--licences", type=click.Path(exists=True, path_type=Path), help="Texts that must go with the model.")
@click.option("--clip", type=click.Path(exists=True, path_type=Path), help="Self-test clip: mono 16-bit 16 kHz WAV.")
@click.option("--clip-text", default="", help="What the clip says; required with it.")
@click.option("--lm-weight", default=0.7, show_default=True, help="Best on dev, by tune_weights.py.")
@click.option("--word-score", default=0.5, show_default=True, help="Likewise.")
@click.option("--min-letter-confidence", default=0.0, show_default=True, help="By noise_hour.py --choose.")
@click.option("--min-gain-over-silence", default=0.0, show_default=True, help="Likewise.")
@click.option("--sure-letter-confidence", default=0.0, show_default=True, help="Likewise, from what it prints of each.")
@click.option("--blank-score", default=0.0, show_default=True, help="By tune_weights.py.")
@click.option("--beam-prune-logp", default=RecognizerSettings.beam_prune_logp, show_default=True, help="Likewise.")
def main(
    checkpoint: Path,
    sphinx: Path,
    language: Path,
    output: Path,
    name: str,
    licence: str,
    licences: Path | None,
    clip: Path | None,
    clip_text: str,
    lm_weight: float,
    word_score: float,
    min_letter_confidence: float,
    min_gain_over_silence: float,
    sure_letter_confidence: float,
    blank_score: float,
    beam_prune_logp: float,
) -> None:
    """Write the averaged weights with the Gaussians, the language files and model.toml, and try the self-test.

    The folder is written even if that fails.
    """
    output.mkdir(parents=True, exist_ok=True)
    average = torch.load(checkpoint, weights_only=True)["average"]
    gaussians = read_gaussians(sphinx)
    layers = 1 + max(int(name.split(".")[2]) for name in average if name.startswith("enc.conformer_layers."))
    parameters = tandem_parameters(gaussians, average["lin.weight"].shape[0], layers)
    _copy(language, clip, licences, output)
    write_weights(
        output / FILES["weights"], {**{f"gaussians.{key}": item for key, item in gaussians.items()}, **average}
    )
    head = {"name": name or output.name, "language": "en", "licence": licence, "self_test_text": clip_text}
    decoding = DecodingParameters(
        LEXICON,
        min_letter_confidence=min_letter_confidence,
        min_gain_over_silence=min_gain_over_silence,
        sure_letter_confidence=sure_letter_confidence,
        blank_score=blank_score,
        lm_weight=lm_weight,
        word_score=word_score,
        beam_prune_logp=beam_prune_logp,
    )
    (output / DESCRIPTION_FILE).write_text(describe(output, head, parameters, decoding), encoding="utf-8")
    recognizer = Recognizer(open_model_folder(output), RecognizerSettings(processor="cpu"))
    report = recognizer.load()
    total = sum(path.stat().st_size for path in output.iterdir())
    verdict = "passed" if report.is_ok else "FAILED"
    click.echo(f"{output}: {total / 1e6:.1f} MB, loads in {report.load_s:.1f} s, self-test {verdict}")
    if not report.is_ok:
        raise click.ClickException(f'The self-test heard "{report.runs[-1].text}" in place of "{clip_text}".')


if __name__ == "__main__":
    main()
