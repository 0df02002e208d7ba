"""``spikeloom stream``: a recording of an event camera through a device, and what it tells."""

import sys
from pathlib import Path
from typing import Any

import click
import numpy as np

from spikeloom_hw.program import Program

from ..events import open_events
from ..host.device import Device
from ..host.stream import Binning, Pacing, Stream, StreamStep
from .files import read_program
from .report import Outcome, Report, command

__all__ = ["stream"]

_INTERRUPTED = 130


@click.command()
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--url", help="serial:///dev/ttyUSB1?baud=3000000 or tcp://host:port")
@click.option("--simulate", is_flag=True, help="The simulated device, in place of --url.")
@click.option("--dt", default=1000, show_default=True, help="Microseconds of a step.")
@click.option("--speed", type=float, help="1 is real time; as fast as it goes by default.")
@click.option("--steps", type=int, help="Steps, in place of as many as the file has.")
@click.option("--input", "population", metavar="NAME", help="Input that the events go to.")
@click.option("--pool", default=1, show_default=True, help="Pixels of the camera to one of it.")
@click.option("--crop", nargs=2, type=int, metavar="X Y", help="Pixel where the input begins.")
@click.option("--window", default=0, show_default=True, help="Microseconds to sort within.")
@click.option("--origin", type=int, help="Time of the file to begin at; the first event's.")
@click.option("--ahead", default=64, show_default=True, help="Most steps on their way.")
@click.option("--tolerance", default=0.01, show_default=True, help="Seconds until a step is late.")
@click.option(
    "--when-late",
    default="wait",
    show_default=True,
    type=click.Choice(["wait", "drop"]),
    help="Send late steps all the same, or without their events.",
)
@click.option("--limit", default=0.1, show_default=True, help="Seconds until drop drops.")
@click.option("--show", metavar="NAME", help="Population to print; by default the last recorded.")
@command
def stream(
    report: Report, program: Path, file: Path, url: str | None, simulate: bool, **chosen: Any
) -> Outcome:
    """Stream the events of FILE through a device that holds PROGRAM, step by step.

    FILE is a recording of an event camera: .bin, .dat, .npy, .npz, and with the extra "events"
    .raw, .aedat4 and .es. What one population sends is printed as it comes, and an account of the
    stream at its end, or at Ctrl-C.
    """
    if simulate == (url is not None):
        raise ValueError("Give either --url or --simulate")
    loaded = read_program(program)
    shown = _Shown(report, loaded, chosen["show"])
    names = ("dt", "population", "pool", "crop", "steps")
    binning = Binning(**{name: chosen[name] for name in names})
    names = ("speed", "tolerance", "when_late", "limit", "ahead")
    pacing = Pacing(**{name: chosen[name] for name in names})
    events = open_events(file, chosen["window"], chosen["origin"])
    with report.working(f"Connecting to {url}" if url else "Compiling the simulation"):
        device = Device.open(url, loaded) if url else Device.simulate(loaded)
    with device:
        running = Stream(device, events, binning, pacing)
        interrupted = _follow(running, shown)
    shown.tell()
    rows = running.report.rows()
    report.table("Stream, interrupted" if interrupted else "Stream", ("what", "figure"), rows)
    values = {
        **running.report.to_dict(),
        "population": shown.name,
        "counts": shown.counts.tolist(),
        "told": shown.told,
        "interrupted": interrupted,
    }
    if interrupted:
        report.announce(values)
        sys.exit(_INTERRUPTED)
    return Outcome(values)


def _follow(running: Stream, shown: "_Shown") -> bool:
    """Show the steps as they come; tell whether Ctrl-C ended them."""
    try:
        for step in running:
            shown.take(step)
    except KeyboardInterrupt:
        return True
    return False


class _Shown:
    """What one population sends, printed as it comes and added up.

    Parameters
    ----------
    report : Report
        Where to print.
    program : Program
        Program of the device.
    name : str or None
        Population; None for the last that is recorded.
    """

    def __init__(self, report: Report, program: Program, name: str | None) -> None:
        recorded = {p.name: p for p in program.recorded}
        if not recorded:
            raise ValueError("The program records no population, so there is nothing to show")
        self.name = list(recorded)[-1] if name is None else name
        if self.name not in recorded:
            known = ", ".join(map(repr, recorded))
            raise ValueError(f"Population {name!r} is not recorded, but {known}")
        self.counts = np.zeros(recorded[self.name].size, np.int64)
        self._report = report

    @property
    def told(self) -> int | None:
        """Neuron with the greatest sum, the first of several; None if nothing came."""
        return int(self.counts.argmax()) if self.counts.any() else None

    def take(self, step: StreamStep) -> None:
        """Print a step in which the population sent something."""
        sent = (step.spikes | step.values)[self.name]
        self.counts += sent
        neurons = np.flatnonzero(sent)
        if not len(neurons):
            return
        valued = sent.dtype != bool
        listed = (f"{k}={sent[k]}" if valued else str(k) for k in neurons.tolist())
        self._report.say(f"{step.time / 1000:10.1f} ms  {self.name}: {' '.join(listed)}")

    def tell(self) -> None:
        """Print which neuron sent most."""
        if self.told is not None:
            self._report.say(f"Most came from {self.name} {self.told}: {self.counts[self.told]}")
        self._report.say()
