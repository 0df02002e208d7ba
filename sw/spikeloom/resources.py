"""Cells of an FPGA that a chip takes, told before it is synthesised."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from amaranth.hdl import Shape

from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig, Walk
from spikeloom_hw.layout import Layouts
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.neuron import Fields, Leak, Output, Reset, Synapse
from spikeloom_hw.ram_shape import RamKind, ram_shape
from spikeloom_hw.registers import regions

__all__ = ["FAMILIES", "Resources", "features", "memories", "predict"]

_MODULE = re.compile(r"^module ", re.MULTILINE)
_MEMORY = re.compile(r"^  memory width (\d+) size (\d+) ", re.MULTILINE)

FAMILIES = ("ecp5", "ice40")
"""Families of which cells are predicted."""


@dataclass(frozen=True)
class Resources:
    """Cells of a chip.

    Parameters
    ----------
    luts : int
        Look-up tables with four inputs, without those of carry chains and distributed RAM.
    flip_flops : int
        Flip-flops.
    block_rams, single_port_rams : int
        Blocks of RAM, and those with a single port (SPRAM of iCE40).
    """

    luts: int
    flip_flops: int
    block_rams: int
    single_port_rams: int


def predict(config: ChipConfig, family: str) -> Resources:
    """Predict the cells that Yosys makes of a chip.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    family : "ecp5" or "ice40"
        Family of the device.

    Returns
    -------
    Resources
        RAM is exact: what a memory becomes follows from its size
        (:func:`~spikeloom_hw.ram_shape.ram_shape`). Look-up tables and flip-flops are told by a
        linear model of the structure, fitted to chips that were synthesised; its errors are in
        docs/guide/boards.md, and benchmarks/resources.py prints them.

    Raises
    ------
    ValueError
        If there is no model of the family, or the chip learns or has several cores.
    """
    for what, there in (
        ("learns", config.core.learning),
        ("has several cores", config.all_cores > 1),
    ):
        if there:
            raise ValueError(
                f"Cells of a chip that {what} are not predicted: build it to know them"
            )
    if family not in FAMILIES:
        raise ValueError(f"Cells are predicted for {' and '.join(FAMILIES)}, not for {family!r}")
    known, model = features(config), _models()[family]
    cells = {
        kind: round(sum(model[kind][name] * value for name, value in known.items()))
        for kind in ("luts", "flip_flops")
    }
    blocks: Counter[RamKind] = Counter()
    for depth, width, ports in memories(config):
        shape = ram_shape(family, depth, width, ports=ports)
        blocks[shape.kind] += shape.count
    return Resources(
        **cells,
        block_rams=blocks[RamKind.BLOCK],
        single_port_rams=blocks[RamKind.SINGLE_PORT],
    )


def memories(config: ChipConfig) -> list[tuple[int, int, int]]:
    """Depth, width and ports of every memory of a chip, read from its elaborated design."""
    text = netlist_of(Chip(config))
    found = []
    for module in _MODULE.split(text)[1:]:
        name = module.partition("\n")[0]
        ports = config.core.weight_ports if "weights" in name else 2
        found += [(int(depth), int(width), ports) for width, depth in _MEMORY.findall(module)]
    return found


def features(config: ChipConfig) -> dict[str, float]:
    """What of a structure costs cells, as terms of the model.

    Returns
    -------
    dict of str to float
        Mostly numbers of bits that some part of the chip works on.
    """
    core = config.core
    return {
        "chip": 1.0,
        "counters": float(config.counters),
        **_lane_pipe(core),
        **_tables(config),
        **_update(core),
        **_neuron(core.fields, core.update_lanes),
    }


def _lane_pipe(core: CoreConfig) -> dict[str, float]:
    """Terms of what works on all lanes."""
    sums = core.lanes * core.accumulator_width
    banked = float(Walk.SPARSE in core.walks)
    return {
        "sums": sums,
        "banked sums": banked * sums,
        "weights": core.lanes * core.weight_width,
        "lanes": core.lanes,
        "products": core.lanes * core.weight_width * core.payload_width,
        "convolution": float(Walk.CONVOLUTION in core.walks),
        "sparse": banked,
        "rows of lanes": banked * core.lanes * (core.accumulator_rows - 1).bit_length(),
    }


def _tables(config: ChipConfig) -> dict[str, float]:
    """Terms of the memories: their rows, and what the host reads of them."""
    layouts = Layouts(config.core)
    rows = [Shape.cast(layouts.populations).width, Shape.cast(layouts.projections).width]
    words = [region.words for region in regions(config).values()]
    return {
        "memories": len(words),
        "words": sum(words),
        "descriptors": sum(rows),
        "delays": (config.core.delay_slots - 1).bit_length(),
    }


def _update(core: CoreConfig) -> dict[str, float]:
    """Terms of the update, but for the neurons."""
    lanes, state = core.update_lanes, Shape.cast(Layouts(core).state).width
    slice_bits = (core.groups_per_row - 1).bit_length()
    return {
        "update lanes": lanes,
        "slices": core.lanes * core.accumulator_width if slice_bits else 0.0,
        "state": state,
        "skip": float(core.skip),
        "state that is compared": float(core.skip) * state,
        "values": float(bool(core.value_groups)),
    }


def _neuron(fields: Fields, lanes: int) -> dict[str, float]:
    """Terms of the neurons, in bits of their potentials."""
    bits = lanes * fields.width
    leaks = [fields.may("leak", leak) for leak in Leak]
    parts: dict[str, Any] = {
        "leak": fields.leaks,
        "shift or linear leak": leaks[Leak.SHIFT] or leaks[Leak.LINEAR],
        "current": fields.may("synapse", Synapse.NEW, Synapse.OLD),
        "adaptation": "adaptation" in fields.state.members,
        "count": fields.may("output", Output.COUNT),
        "delayed reset": fields.may("reset", Reset.SUBTRACT_DELAYED),
        "winner": fields.may("winner", 1),
        "noise": fields.noisy,
        "refractory": "refractory" in fields.state.members,
    }
    return {"potentials": bits, **{name: bits * float(there) for name, there in parts.items()}}


@cache
def _models() -> Mapping[str, Any]:
    text = files("spikeloom").joinpath("cells.json").read_text()
    models: dict[str, Any] = json.loads(text)["models"]
    return models
