"""How much of a serial line at 3 Mbaud event words use, and what an inference takes over it.

The emitted Verilog with its UART pins, cycle by cycle; measured on two cores: five minutes.
"""

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, Recording, compile
from spikeloom.demo.images import load_network
from spikeloom_hw.host.frame import MAXIMUM_WORDS
from spikeloom_sim.uart_chip import CompiledSerialChip
from spikeloom_sim.uart_transport import UartTransport

STEPS = 100
BAUD = 3_000_000
BITS = 10
SEED = 1
GOAL = 0.90
# Clock in Hz, and milliseconds between transfers of the USB adapter.
CASES = ((24e6, 0.0), (24e6, 1.0), (24e6, 16.0), (50e6, 0.0), (50e6, 1.0), (100e6, 0.0))


def random_spikes(inputs: int, activity: float) -> np.ndarray:
    """Draw a (steps, inputs) bool array of which exactly a share of ``activity`` is true."""
    spikes = np.zeros(STEPS * inputs, bool)
    chosen = np.random.default_rng(SEED).permutation(spikes.size)
    spikes[chosen[: round(activity * spikes.size)]] = True
    return spikes.reshape(STEPS, inputs)


def measure(
    device: Device, link: UartTransport, case: tuple[float, float], spikes: np.ndarray
) -> tuple[Recording, float, float]:
    """Run one inference at another clock: seconds in all, and from the first step to the last."""
    # The program stays where it is: the chip measures the bit time of its new clock.
    link.line.drain(0)
    link.line.chip.frequency = case[0]
    link.set_poll(case[1] / 1000)
    link.line.set_baud(9600)
    link.line.send(b"\0")
    link.line.set_baud(BAUD)
    link.line.send(b"\x55")
    begin = link.clock()
    recording = device.run(spikes)
    # The counter runs from the first event word to the end of the last step.
    return recording, link.clock() - begin, recording.counters["cycles"] / case[0]


@click.command()
@click.option("--target", default="generic-16", show_default=True)
@click.option("--activity", multiple=True, type=float, default=(0.10, 0.02), show_default=True)
def main(target: str, activity: tuple[float, ...]) -> None:
    """Print the table."""
    network = load_network()
    program = compile(network, target)
    console = Console(width=120)
    console.print(
        f"784-128-10, {STEPS} steps, weights of the demo, inputs at random (seed {SEED}); target "
        f"{target}, window {program.config.window} bytes;\n{BAUD:,} baud, {BITS} bits a byte. "
        "Poll: time between transfers of the USB adapter, 0 for none.\nShare: event words, of all "
        "that the line could carry to the device from the first word to the end of the last step."
    )
    table = Table("clock", "activity", "poll", "share", "inference", "cycles", "goal")
    for column in table.columns:
        column.justify = "right"
    link = UartTransport(CompiledSerialChip(program), BAUD)
    device = Device(link, program, clock=link.clock)
    for active in activity:
        spikes = random_spikes(network.inputs[0].size, active)
        expected = Golden(network).run(spikes)
        # The counter begins when the first frame has come, so that one is left out.
        words = np.count_nonzero(spikes) + STEPS - MAXIMUM_WORDS
        line = 4 * words * BITS / BAUD
        for case in CASES:
            recording, whole, steps = measure(device, link, case, spikes)
            difference = expected.difference(recording)
            if difference is not None:
                raise SystemExit(f"The Verilog differs from the golden model: {difference}")
            table.add_row(
                f"{case[0] / 1e6:g} MHz",
                f"{active:.0%}",
                f"{case[1]:g} ms",
                f"{line / steps:.1%}",
                f"{whole * 1e3:.2f} ms",
                f"{recording.counters['cycles']:,}",
                "met" if line / steps >= GOAL else "-",
            )
    console.print(table)


if __name__ == "__main__":
    main()
