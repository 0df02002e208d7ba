"""Write an accelerator with AXI ports, and what the design, the testbench and the driver need."""

import argparse
from pathlib import Path

import numpy as np

from spikeloom import Dense, NeuronParameters, QuantisedNetwork, QuantisedPopulation, compile, emit
from spikeloom.host.words import encode_steps
from spikeloom_hw.program import Program
from spikeloom_hw.registers import Control, regions
from spikeloom_hw.window import Window

__all__ = ["build", "case"]

STEPS = 8


def case() -> tuple[QuantisedNetwork, dict[str, np.ndarray]]:
    """Give a small network with two layers, and (steps, samples, neurons) spikes for it."""
    rng = np.random.default_rng(5)
    neuron = NeuronParameters(threshold=60, decay=3686)
    network = QuantisedNetwork(
        (
            QuantisedPopulation("in", 12),
            QuantisedPopulation("hidden", 9, neuron),
            QuantisedPopulation("out", 5, neuron),
        ),
        (
            Dense("in", "hidden", rng.integers(-20, 60, (12, 9))),
            Dense("hidden", "out", rng.integers(-20, 60, (9, 5))),
        ),
    )
    return network, {"in": rng.random((STEPS, 1, 12)) < 0.4}


def loads(program: Program) -> list[tuple[int, int]]:
    """Offset and word of every write that loads a program, and of the one that clears it."""
    window = Window(program.config)
    listed = []
    for name, image in program.images.items():
        base, stride = window.memories[name], regions(program.config)[name].stride
        for (row, word), value in np.ndenumerate(image):
            listed.append((base + 4 * (row * stride + word), int(value)))
    return [*listed, (window.registers["CONTROL"], Control.CLEAR | Control.ZERO_COUNTERS)]


def build(folder: Path) -> Program:
    """Write all files into a folder."""
    network, spikes = case()
    program = compile(network, "generic-4")
    emit(program, folder, link="axi")
    pairs = loads(program)
    digits = -(-(Window(program.config).bits + 32) // 4) - 8
    words = encode_steps({name: train[:, 0] for name, train in spikes.items()}, program.inputs)
    sizes = {
        "LOADS": len(pairs),
        "LOAD_BITS": len(pairs).bit_length(),
        "WINDOW_BITS": Window(program.config).bits,
        "EVENTS": len(words),
        "STEPS": STEPS,
    }
    table = "".join(f"    {{0x{offset:x}u, 0x{word:08x}u}},\n" for offset, word in pairs)
    texts = {
        "load.mem": "".join(f"{offset:0{digits}x}{word:08x}\n" for offset, word in pairs),
        "events.mem": "".join(f"{word:08x}\n" for word in words),
        "sizes.vh": "".join(f"`define {name} {size}\n" for name, size in sizes.items()),
        "load.h": f"static const struct {{ uint32_t offset, word; }} load[] = {{\n{table}}};\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return program


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    build(parser.parse_args().folder)
