"""``spikeloom demo learn``: a simulated device learns real digits, and golden checks all of it."""

import json
from pathlib import Path

from spikeloom_boards.flow import PROGRAM
from spikeloom_hw.folder import staged
from spikeloom_sim.library import Engine, pick_engine

from ..demo import Check, LearningDemo, LearningResult, draw_learning, sketch
from .report import Outcome, Report

__all__ = ["IMAGES", "demo_learn"]

IMAGES = 1000
"""Images that are learned from, if nothing else is said."""

_BAR = 50


def demo_learn(report: Report, output: Path, images: int | None, engine: Engine) -> Outcome:
    """Learn digits on a simulated device, and write what came of it.

    Parameters
    ----------
    report : Report
        Where to say it.
    output : Path
        Folder for pictures, program, learned network and results.
    images : int or None
        Images to learn from; None for :data:`IMAGES`.
    engine : str
        Compiler of the simulation.
    """
    chosen = pick_engine(engine)
    count = IMAGES if images is None else images
    with staged(output) as stage:
        with report.working(f"Compiling the Verilog by {chosen}"):
            demo = LearningDemo(count, engine=chosen)
        with demo:
            _say_start(report, demo)
            result = _learn(report, demo)
        with report.working("Writing the pictures"):
            result.program.save(stage / PROGRAM)
            result.learned.save(stage / "learned.npz")
            draw_learning(result, stage)
            summary = {**result.summary(), "engine": chosen}
            (stage / "results.json").write_text(json.dumps(summary, indent=1) + "\n")
        names = sorted(file.name for file in stage.iterdir())
    _say(report, result, output, chosen)
    return Outcome({**summary, "folder": output, "files": names}, fine=result.fine)


def _learn(report: Report, demo: LearningDemo) -> LearningResult:
    while True:
        # A bar of its own for each part, as what is said beside one would go to its terminal.
        with report.progress("Images seen") as progress:
            check = demo.learn(progress)
        if check is None:
            break
        _say_check(report, check)
    with report.progress("Images told") as progress:
        return demo.finish(progress)


def _say_start(report: Report, demo: LearningDemo) -> None:
    sizes = "-".join(str(p.size) for p in demo.program.populations)
    core = demo.program.config.core
    report.say(
        f"{sizes}: neurons that compete, random weights, no labels; {core.lanes} lanes. Weights of "
        f"the first 8 neurons:"
    )
    _say_check(report, demo.checks[0])


def _say_check(report: Report, check: Check) -> None:
    report.say()
    for line in sketch(check):
        report.say(line)
    bar = "#" * round(_BAR * check.accuracy)
    report.say(f"{check.seen:6,} images seen  |{bar:{_BAR}}|{check.accuracy:6.1%} of others right")


def _say(report: Report, result: LearningResult, output: Path, engine: str) -> None:
    report.say()
    report.say(
        f"{len(result.told):,} MNIST training images on the Verilog, compiled by {engine}, in "
        f"{result.seconds:.0f} s"
    )
    report.say()
    lines = [
        (f"accuracy on {result.tests} test images", f"{result.accuracy:.1%}"),
        ("spikes that differ from golden", f"{result.mismatches} of {result.spikes_compared:,}"),
        (
            "weights and thresholds that differ",
            f"{result.wrong_parameters} of {result.parameters_compared:,}",
        ),
        ("cycles per step, learning", f"{result.cycles:,.0f}"),
    ]
    for label, value in lines:
        report.say(f"{label:36}{value:>20}")
    report.say()
    report.say(f"Pictures, learned network, program and results: {output}")
