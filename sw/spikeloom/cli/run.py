"""``spikeloom simulate`` and ``spikeloom run``: spikes in, a recording out."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from spikeloom_boards.target import TARGETS
from spikeloom_hw.program import Program
from spikeloom_sim.golden import Golden
from spikeloom_sim.library import ENGINES, pick_engine
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.recording import Difference, Recording

from ..flow import compile
from ..host.device import Device
from .classes import read_labels, tell_classes
from .files import check_output, read_program, read_spikes, read_work
from .report import Outcome, Report, command

__all__ = ["run", "simulate"]

_INPUT = click.option(
    "--input",
    "spikes",
    required=True,
    type=click.Path(path_type=Path),
    help="Spikes or values, (steps, batch, neurons): .npy, or .npz with an array for each input.",
)
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Recording to write, .npz."
)
_POTENTIALS = click.option("--potentials", is_flag=True, help="Record the potentials too.")
_LABELS = click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="Right neuron of the last population for each sample, .npy: tell the classes.",
)
_EXPECT = click.option(
    "--expect", type=click.Path(path_type=Path), help="Recording to compare with."
)


@click.command()
@click.argument("work", metavar="NETWORK_OR_PROGRAM", type=click.Path(path_type=Path))
@_INPUT
@_OUTPUT
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice([*ENGINES, "golden"]),
    help="Compiler of the Verilog, or the golden model, which simulates the network alone.",
)
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="Hardware that a network is compiled for; generic-16 by default.",
)
@_POTENTIALS
@_EXPECT
@_LABELS
@click.option("--compare", is_flag=True, help="Run the golden model too, and compare.")
@command
def simulate(
    report: Report, work: Path, spikes: Path, output: Path | None, **chosen: Any
) -> Outcome:
    """Simulate the Verilog of a network or a program, cycle by cycle.

    The exit code is 1 if a comparison finds a difference.
    """
    engine, potentials = chosen["engine"], chosen["potentials"]
    loaded = read_work(work)
    _check_choice(work, loaded, chosen)
    if output is not None:
        check_output(output)
    expected, labels = _expected(chosen["expect"]), _labels(chosen["labels"])
    stimulus = read_spikes(spikes, loaded.inputs)
    golden = None
    if isinstance(loaded, QuantisedNetwork) and (engine == "golden" or chosen["compare"]):
        with report.working("Running the golden model"):
            golden = Golden(loaded).run(stimulus, potentials=potentials)
    if golden is not None and engine == "golden":
        recording = golden
    else:
        program = loaded
        if isinstance(program, QuantisedNetwork):
            program = compile(program, chosen["target"] or "generic-16")
        with report.working("Compiling the simulation"):
            engine = pick_engine(chosen["engine"])
            device = Device.simulate(program, engine=engine)
        recording = _run(report, device, stimulus, potentials)
    compared = golden if chosen["compare"] else expected
    outcome = _outcome(report, recording, compared, output, engine)
    return _with_classes(report, outcome, recording, labels)


@click.command()
@click.argument("program", type=click.Path(path_type=Path))
@click.option("--url", required=True, help="serial:auto, serial:///dev/ttyUSB1 or tcp://host:port.")
@_INPUT
@_OUTPUT
@_POTENTIALS
@_EXPECT
@_LABELS
@command
def run(report: Report, program: Path, url: str, spikes: Path, **chosen: Any) -> Outcome:
    """Run spikes or values through a device at the other end of a link.

    PROGRAM is a file that ``spikeloom build`` wrote. The exit code is 1 if the recording is not
    the one expected.
    """
    loaded = read_program(program)
    output: Path | None = chosen["output"]
    if output is not None:
        check_output(output)
    expected, labels = _expected(chosen["expect"]), _labels(chosen["labels"])
    stimulus = read_spikes(spikes, loaded.inputs)
    with report.working(f"Connecting to {url}"):
        device = Device.open(url, loaded)
    recording = _run(report, device, stimulus, chosen["potentials"])
    outcome = _outcome(report, recording, expected, output, url)
    return _with_classes(report, outcome, recording, labels)


def _check_choice(work: Path, loaded: QuantisedNetwork | Program, chosen: dict[str, Any]) -> None:
    """Raise if the options do not go together."""
    if chosen["compare"] and chosen["expect"] is not None:
        raise ValueError("Give --compare or --expect, not both")
    if isinstance(loaded, QuantisedNetwork):
        return
    if chosen["engine"] == "golden" or chosen["compare"]:
        raise ValueError(
            f"The golden model runs networks, but {work} is a program; give the network instead, "
            f"or --expect a recording"
        )
    if chosen["target"] is not None:
        raise ValueError(f"{work} is a program, whose target is fixed; leave --target out")


def _expected(path: Path | None) -> Recording | None:
    return None if path is None else Recording.load(path)


def _labels(path: Path | None) -> np.ndarray | None:
    return None if path is None else read_labels(path)


def _with_classes(
    report: Report, outcome: Outcome, recording: Recording, labels: np.ndarray | None
) -> Outcome:
    """Add to an outcome what the samples are told to be, if there are labels."""
    if labels is None or outcome.values is None:
        return outcome
    classes = tell_classes(report, recording, labels)
    return Outcome({**outcome.values, "classes": classes}, fine=outcome.fine)


def _run(report: Report, device: Device, stimulus: Any, potentials: bool) -> Recording:
    with device, report.progress("Samples") as progress:
        return device.run(stimulus, potentials=potentials, progress=progress)


def _outcome(
    report: Report, recording: Recording, expected: Recording | None, output: Path | None, by: str
) -> Outcome:
    """Write the recording, compare it, and say what came out."""
    difference = None if expected is None else expected.difference(recording)
    if output is not None:
        recording.save(output)
    steps, batch, _ = next(iter((recording.spikes | recording.values).values())).shape
    totals = {name: int(array.sum()) for name, array in recording.spikes.items()}
    ranges = {
        name: {"least": int(array.min()), "greatest": int(array.max())}
        for name, array in recording.values.items()
    }
    report.say(f"{batch} samples of {steps} steps, by {by}")
    if totals:
        report.table("Spikes", ("population", "spikes"), list(totals.items()))
    if ranges:
        rows = [(name, *ends.values()) for name, ends in ranges.items()]
        report.table("Values", ("population", "least", "greatest"), rows)
    report.table("Counters", ("counter", "all samples"), list(recording.counters.items()))
    if expected is not None:
        report.say("No difference" if difference is None else f"First difference: {difference}")
    if output is not None:
        report.say(f"Recording: {output}")
    values = {
        "by": by,
        "samples": batch,
        "steps": steps,
        "spikes": totals,
        "values": ranges,
        "counters": recording.counters,
        "output": output,
        "compared": expected is not None,
        "difference": _as_dict(difference),
    }
    return Outcome(values, fine=difference is None)


def _as_dict(difference: Difference | None) -> dict[str, Any] | None:
    return None if difference is None else difference._asdict()
