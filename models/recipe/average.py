"""Average the weights of several trainings that began with the same network: better than each, at no cost later.

Wortsman et al. 2022, "Model soups" (arXiv:2203.05482). A checkpoint named twice counts twice.
"""

from __future__ import annotations

from pathlib import Path

import click
import torch
from torch import Tensor


def average(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each weight; what is no number with a fraction is taken from the last.

    In double precision, so that rounding does not depend on how many there are and in which order.

    Raises:
        ValueError: if the networks have different weights.
    """
    shapes = {name: value.shape for name, value in states[0].items()}
    if any({name: value.shape for name, value in state.items()} != shapes for state in states):
        raise ValueError("the networks differ in their weights")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(last.dtype)
        if last.is_floating_point()
        else last
        for name, last in states[-1].items()
    }


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), required=True, help="For export.py and train.py.")
def main(checkpoints: tuple[Path, ...], output: Path) -> None:
    """Average the averaged weights of CHECKPOINTS of train.py."""
    with click.progressbar(checkpoints, label="Reading") as bar:
        states = [torch.load(path, weights_only=True)["average"] for path in bar]
    try:
        torch.save({"average": average(states)}, output)
    except ValueError as error:
        raise click.ClickException(f"{error}.") from error


if __name__ == "__main__":
    main()
