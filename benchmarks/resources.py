"""Predicted against measured: cells of random chips, and the fit of the model that predicts them.

Prints, for each family, the errors of chips, each by a model that was fitted to all the others.
With ``--write`` the model of all chips is written to sw/spikeloom/cells.json. A chip takes 5 to 20
seconds.
"""

import json
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom.resources import FAMILIES, features
from spikeloom_boards.ecp5 import LFE5U_85F
from spikeloom_boards.icebreaker import ICE40UP5K
from spikeloom_boards.synthesis import TOP, count_cells, synthesise_for
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.neuron import Constant, Fields, Per
from spikeloom_hw.yosys import yosys_version

MODEL = Path(__file__).parents[1] / "sw/spikeloom/cells.json"
DEVICES = {"ecp5": LFE5U_85F, "ice40": ICE40UP5K}
MAIN = ("chip", "sums", "potentials", "words", "state", "banked sums", "convolution")
"""Terms that most cells come from."""
MAIN_PULL = 0.02
"""How much less they are pulled to zero than the others."""


def draw(rng: np.random.Generator) -> ChipConfig:
    """Draw a chip: mostly plain networks, some with each of the features."""

    def some(share: float) -> bool:
        return bool(rng.random() < share)

    lanes = int(rng.choice([4, 8, 16, 32], p=[0.2, 0.3, 0.35, 0.15]))
    width = int(rng.choice([16, 18, 20, 24], p=[0.35, 0.35, 0.15, 0.15]))
    places, sends_values = draw_places(rng, width), some(0.15)
    if sends_values:
        places["output"] = Per.POPULATION
    core = CoreConfig(
        lanes=lanes,
        update_lanes=min(lanes, int(rng.choice([1, 2, 4, 8], p=[0.35, 0.2, 0.35, 0.1]))),
        weight_width=int(rng.choice([4, 8, 16], p=[0.3, 0.6, 0.1])),
        accumulator_width=int(rng.integers(14, 21)),
        fields=Fields(places, width),
        weight_rows=int(rng.integers(8, 128)) * 64,
        neuron_rows=int(rng.choice([4, 8, 16, 32, 64])),
        populations=int(rng.choice([2, 4])),
        projections=int(rng.choice([2, 4, 16])),
        sources=int(rng.choice([2, 4])),
        phases=int(rng.choice([2, 4])),
        delay_slots=8 if some(0.2) else 1,
        payload_width=8 if some(0.1) else 0,
        value_groups=16 if sends_values else 0,
        taps=64 if some(0.25) else 0,
        skip=some(0.4),
    )
    if some(0.2):
        core = replace(core, pointers=256, synapse_rows=512)
    return ChipConfig(core, window=int(rng.choice([512, 2048])))


def draw_places(rng: np.random.Generator, width: int) -> dict[str, Constant | Per]:
    """Draw where the parameters of the neurons are kept."""
    usual = {"reset_value": 0, "minimum": -(1 << (width - 1)), "refractory": 0, "inclusive": 0}
    places: dict[str, Constant | Per] = {
        name: Constant(value) for name, value in usual.items() if rng.random() < 0.8
    }
    places |= {"shift": Constant(4), "reset": Constant(int(rng.integers(2)))}
    if rng.random() < 0.7:
        places["bias"] = Constant(0)
    if rng.random() < 0.25:
        places |= {"synapse": Constant(1), "current_decay": Per.POPULATION}
    if rng.random() < 0.15:
        places |= {"adaptation_decay": Per.POPULATION, "adaptation_step": Per.POPULATION}
    if rng.random() < 0.1:
        places |= dict.fromkeys(("winner", "inhibition"), Per.POPULATION)
    if rng.random() < 0.1:
        places |= dict.fromkeys(("noise", "seed"), Per.POPULATION)
    return places


def measure(config: ChipConfig, family: str) -> dict[str, int]:
    """Synthesise a chip and count its cells."""
    with tempfile.TemporaryDirectory(prefix="spikeloom-resources-") as temporary:
        folder = Path(temporary)
        netlist = netlist_of(Chip(config), TOP, defined_collisions=False)
        (folder / "design.il").write_text(netlist)
        device = DEVICES[family]
        counted = count_cells(device, synthesise_for(device, ["design.il"], folder)[0])
    return {"luts": counted["lut"], "flip_flops": counted["ff"]}


def fit(rows: list[dict[str, float]], counts: np.ndarray) -> np.ndarray:
    """Fit terms to counts so that relative errors are least; all but the main ones are small."""
    terms = np.array([list(row.values()) for row in rows])
    scale = np.maximum(np.abs(terms).max(axis=0), 1.0)
    pulls = [MAIN_PULL if name in MAIN else 1.0 for name in rows[0]]
    left = np.vstack([terms / scale / counts[:, None], np.diag(pulls) / np.median(counts)])
    right = np.concatenate([np.ones(len(counts)), np.zeros(len(scale))])
    solved, *_ = np.linalg.lstsq(left, right, rcond=None)
    return solved / scale


def left_out(rows: list[dict[str, float]], counts: np.ndarray) -> np.ndarray:
    """Relative error of each chip by a model of all the others."""
    errors = []
    for k, row in enumerate(rows):
        others = np.arange(len(rows)) != k
        seen = [other for other, used in zip(rows, others, strict=True) if used]
        told = np.array(list(row.values())) @ fit(seen, counts[others])
        errors.append(abs(told / counts[k] - 1))
    return np.array(errors)


@click.command()
@click.option("--chips", default=23, show_default=True, help="How many chips for each family.")
@click.option("--seed", default=1, show_default=True)
@click.option("--write", is_flag=True, help="Write the model that predicts.")
@click.option("--keep", type=Path, help="File of measured chips, read if it is there.")
def main(chips: int, seed: int, write: bool, keep: Path | None) -> None:
    """Measure random chips, fit and print the errors."""
    console, models = Console(), {}
    kept: dict[str, Any] = json.loads(keep.read_text()) if keep and keep.exists() else {}
    for family in FAMILIES:
        rng = np.random.default_rng(seed)
        configs = [draw(rng) for _ in range(chips)]
        counts = kept.setdefault(family, [])
        for config in configs[len(counts) :]:
            counts.append(measure(config, family))
            if keep:
                keep.write_text(json.dumps(kept))
        models[family] = report(console, family, configs, counts)
    if write:
        about = f"python benchmarks/resources.py --chips {chips} --seed {seed} --write"
        made = {"yosys": yosys_version(), "date": date.today().isoformat(), "command": about}
        MODEL.write_text(json.dumps({**made, "models": models}, indent=1) + "\n")


def report(
    console: Console, family: str, configs: list[ChipConfig], counts: list[dict[str, int]]
) -> dict[str, dict[str, float]]:
    """Print the errors of chips that were left out; give the model of all chips."""
    rows = [features(config) for config in configs]
    table = Table(title=f"{family}: {len(rows)} chips, each told by a fit to the others")
    for column in ("cells", "least", "most", "mean error", "largest error", "within 15 %"):
        table.add_column(column, justify="right")
    model = {}
    for kind in ("luts", "flip_flops"):
        measured = np.array([count[kind] for count in counts], float)
        errors = left_out(rows, measured)
        spread = (f"{measured.min():.0f}", f"{measured.max():.0f}")
        shares = (errors.mean(), errors.max(), np.mean(errors <= 0.15))
        table.add_row(kind.replace("_", " "), *spread, *(f"{share:.1%}" for share in shares))
        solved = fit(rows, measured)
        model[kind] = {name: round(float(c), 5) for name, c in zip(rows[0], solved, strict=True)}
    console.print(table)
    return model


if __name__ == "__main__":
    main()
