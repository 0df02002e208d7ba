"""Events and steps a second through a simulated device, and what asyncio costs.

Measured on two cores: a minute, half of it the first compilation.
"""

import asyncio
import statistics
import time
from collections.abc import Callable

import click
import numpy as np
from _examples import EXAMPLES, load
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Program, compile
from spikeloom.events import open_events
from spikeloom.host.aio import AsyncDevice
from spikeloom.host.stream import Binning, Pacing, Stream, StreamReport

RECORDING = EXAMPLES / "nmnist" / "recording.bin"


def blocking(device: Device, binning: Binning, pacing: Pacing) -> tuple[StreamReport, int]:
    """Stream the recording; the account, and the spikes that came."""
    stream = Stream(device, open_events(RECORDING, origin=0), binning, pacing)
    spikes = sum(int(step.spikes["digit"].sum()) for step in stream)
    return stream.report, spikes


async def awaited(
    device: AsyncDevice, binning: Binning, pacing: Pacing
) -> tuple[StreamReport, int]:
    """Do the same with asyncio."""
    stream = device.stream(open_events(RECORDING, origin=0), binning, pacing)
    spikes = sum([int(step.spikes["digit"].sum()) async for step in stream])
    return stream.report, spikes


def timed(call: Callable[[], tuple[StreamReport, int]]) -> tuple[float, StreamReport, int]:
    """Call; time of the processor, account and spikes.

    A simulation in this process never waits, and who else uses the machine is not to be measured.
    """
    start = time.process_time()
    report, spikes = call()
    return time.process_time() - start, report, spikes


def compare(
    program: Program, binning: Binning, pacing: Pacing, repeats: int
) -> tuple[list[float], list[float], StreamReport]:
    """Stream both ways, in turns on one device: seconds of each, and an account."""
    seconds: tuple[list[float], list[float]] = ([], [])
    with asyncio.Runner() as runner, Device.simulate(program) as device:
        lent = AsyncDevice(lambda: device)
        runner.run(lent.__aenter__())
        _, report, expected = timed(lambda: blocking(device, binning, pacing))
        for _ in range(repeats):
            first = timed(lambda: blocking(device, binning, pacing))
            second = timed(lambda: runner.run(awaited(lent, binning, pacing)))
            for kept, (busy, _, spikes) in zip(seconds, (first, second), strict=True):
                kept.append(busy)
                if spikes != expected:
                    raise SystemExit(f"{spikes} spikes came, but {expected} before")
    return *seconds, report


@click.command()
@click.option("--target", default="generic-8", show_default=True)
@click.option("--repeats", default=7, show_default=True)
def main(target: str, repeats: int) -> None:
    """Print the table."""
    program = compile(load("nmnist").quantised(), target)
    console = Console(width=110)
    console.print(
        f"{RECORDING.name}: a recording of N-MNIST through the trained network of examples/nmnist "
        f"({target}),\nits Verilog in CXXRTL in this process; median of {repeats} streams each, "
        "in turns.\nTimes are of the processor, threads together; asyncio: what it adds to them."
    )
    table = Table("step", "ahead", "steps", "events", "events/s", "steps/s", "real time", "asyncio")
    for column in table.columns:
        column.justify = "right"
    for dt, ahead in ((20_000, 64), (1000, 64), (1000, 8), (1000, 1)):
        plain, waited, report = compare(program, Binning(dt), Pacing(ahead=ahead), repeats)
        busy = statistics.median(plain)
        extra = float(np.median(np.array(waited) / np.array(plain))) - 1
        table.add_row(
            f"{dt / 1000:g} ms",
            str(ahead),
            f"{report.steps:,}",
            f"{report.events_read:,}",
            f"{report.events_read / busy:,.0f}",
            f"{report.steps / busy:,.0f}",
            f"{report.stream_seconds / busy:.2f}",
            f"{extra:+.1%}",
        )
    console.print(table)


if __name__ == "__main__":
    main()
