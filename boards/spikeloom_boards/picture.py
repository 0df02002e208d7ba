"""The report of a build as a picture."""

import os

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from .report import BuildReport

__all__ = ["draw_report"]

_HEIGHT, _WIDTH = 0.32, 8.0


def draw_report(report: BuildReport, path: str | os.PathLike[str]) -> None:
    """Draw the resources, and the critical path by module, into an SVG file.

    Parameters
    ----------
    report : BuildReport
        What to draw.
    path : path
        File to write.
    """
    rows = [len(report.resources), max(len(report.path), 1)]
    figure = Figure(figsize=(_WIDTH, _HEIGHT * sum(rows) + 1.8), layout="constrained")
    FigureCanvasSVG(figure)
    upper, lower = figure.subplots(2, 1, height_ratios=rows)
    used = [100 * resource.share for resource in report.resources.values()]
    labels = [
        f"{name.replace('_', ' ')}  {resource.used}/{resource.available}"
        for name, resource in report.resources.items()
    ]
    upper.barh(labels, used, color="tab:blue", label="used")
    told = {
        label: 100 * resource.predicted / resource.available
        for label, resource in zip(labels, report.resources.values(), strict=True)
        if resource.predicted is not None
    }
    if told:
        upper.plot(list(told.values()), list(told), "kD", markersize=5, label="predicted")
        upper.legend()
    upper.set_xlim(0, 100)
    upper.invert_yaxis()
    upper.set_xlabel("% of the device")
    upper.set_title(f"{report.board}: {report.verdict}", fontsize="medium")

    steps = [f"{number}. {step.module}" for number, step in enumerate(report.path, 1)]
    logic = [step.logic for step in report.path]
    lower.barh(steps, logic, color="tab:orange", label="logic")
    wires = [step.routing for step in report.path]
    lower.barh(steps, wires, left=logic, color="tab:gray", label="wires")
    if steps:
        lower.legend()
    lower.invert_yaxis()
    lower.set_xlabel("critical path, ns")
    # Without a date and a salt of its own, so that the same report gives the same file.
    with matplotlib.rc_context({"svg.hashsalt": "spikeloom"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
