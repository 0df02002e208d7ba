"""``spikeloom demo``: real images on the Verilog, which classifies them, or learns them."""

import json
from pathlib import Path

import click

from spikeloom_boards.flow import PROGRAM
from spikeloom_hw.emit import emit
from spikeloom_hw.folder import staged
from spikeloom_sim.library import ENGINES, Engine, pick_engine

from ..demo import DemoResult, draw, run_demo
from .demo_learning import IMAGES, demo_learn
from .report import Outcome, Report, command

__all__ = ["demo"]


@click.command()
@click.argument("what", default="classify", type=click.Choice(["classify", "learn"]))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="build/demo, or build/demo-learn, if not given.",
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    help=f"How many images; all by default, {IMAGES} to learn from.",
)
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    type=click.Choice(list(ENGINES)),
    help="Compiler of the simulation.",
)
@command
def demo(
    report: Report, what: str, output: Path | None, images: int | None, engine: Engine
) -> Outcome:
    """Classify 200 images of MNIST on the Verilog of a trained network, and check every spike.

    With "learn", a simulated device starts with random weights and learns from images of MNIST,
    without labels; spikes, weights and thresholds are checked.

    The exit code is 1 if the Verilog differs from the golden model.
    """
    if what == "learn":
        return demo_learn(report, output or Path("build/demo-learn"), images, engine)
    return _classify(report, output or Path("build/demo"), images, engine)


def _classify(report: Report, output: Path, images: int | None, engine: Engine) -> Outcome:
    chosen = pick_engine(engine)
    with staged(output) as stage:
        with report.progress("Images") as progress:
            result = run_demo(count=images, engine=chosen, progress=progress)
        with report.working("Writing the Verilog and the pictures"):
            emit(result.program, stage)
            result.program.save(stage / PROGRAM)
            result.recording.save(stage / "recording.npz")
            draw(result, stage)
            summary = {**result.summary(), "engine": chosen}
            (stage / "results.json").write_text(json.dumps(summary, indent=1) + "\n")
        names = sorted(file.name for file in stage.iterdir())
    _say(report, result, output, chosen)
    fine = result.mismatches == 0 and result.counters_agree
    return Outcome({**summary, "folder": output, "files": names}, fine=fine)


def _say(report: Report, result: DemoResult, output: Path, engine: str) -> None:
    summary = result.summary()
    core, each = result.program.config.core, summary["per_inference"]
    sizes = "-".join(str(p.size) for p in result.program.populations)
    report.say(
        f"{sizes} leaky integrate-and-fire neurons, {core.lanes} lanes, {core.update_lanes} update "
        f"lanes, {summary['steps']} steps an image"
    )
    report.say(
        f"{summary['images']} MNIST test images on the Verilog, compiled by {engine}, in "
        f"{summary['seconds']:.1f} s"
    )
    report.say()
    lines = [
        ("accuracy of the Verilog", f"{summary['accuracy']:.1%}"),
        ("accuracy of the golden model", f"{summary['golden_accuracy']:.1%}"),
        ("spikes that differ", f"{summary['mismatches']} of {summary['spikes_compared']:,}"),
        ("cycles per inference", f"{each['cycles']:,.0f}"),
        ("  integrating", f"{each['cycles_integrate']:,.0f}"),
        ("  updating", f"{each['cycles_update']:,.0f}"),
        ("  control", f"{each['cycles_control']:,.0f}"),
        ("events per inference", f"{each['events']:,.0f}"),
        ("synaptic operations per inference", f"{each['synaptic_operations']:,.0f}"),
        ("synaptic operations per cycle", f"{summary['synaptic_operations_per_cycle']:.1f}"),
    ]
    for label, value in lines:
        report.say(f"{label:36}{value:>20}")
    report.say()
    if summary["first_difference"] is not None:
        report.say(f"First difference: {result.difference}")
    elif not result.counters_agree:
        report.say("The counters of the Verilog differ from those of the golden model.")
    report.say(f"Verilog, program, pictures and results: {output}")
