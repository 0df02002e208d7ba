"""The critical path of a timing report, by the modules that it goes through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PathStep", "module_of", "read_path"]

# The top has the chip as "chip", and the serial chip the chip proper as "chip" again.
_PREFIXES = ("chip.chip.", "chip.")


@dataclass(frozen=True)
class PathStep:
    """A part of a path that lies in one module.

    Parameters
    ----------
    module : str
        Place in the hierarchy of the chip.
    logic, routing : float
        Delay of cells and of wires in nanoseconds; of a wire, the module where it begins has it.
    """

    module: str
    logic: float
    routing: float

    @property
    def delay(self) -> float:
        """Delay of both in nanoseconds."""
        return self.logic + self.routing


def module_of(cell: str) -> str:
    """Module that a cell is in, as the design names it.

    Parameters
    ----------
    cell : str
        Name after synthesis: the hierarchy, and a name after that of a wire.
    """
    # A block of a memory has its numbers after the name; the last name is not that of a module.
    before, found, _ = cell.partition("$abc")
    parts = (before + found).rstrip("0123456789.").split(".")
    place = ".".join(parts[:-1])
    for prefix in _PREFIXES:
        if (place + ".").startswith(prefix):
            return (place + ".").removeprefix(prefix).removesuffix(".") or "chip"
    return place or "top"


def read_path(paths: Sequence[Mapping[str, Any]]) -> tuple[PathStep, ...]:
    """Find the longest path from flip-flop to flip-flop, and join what lies in one module.

    Parameters
    ----------
    paths : sequence of dict
        ``critical_paths`` of a report of nextpnr.

    Returns
    -------
    tuple of PathStep
        In the order of the path; empty if there is none.
    """
    inside = [p["path"] for p in paths if "<async>" not in (p["from"], p["to"])]
    longest = max(inside, key=lambda path: sum(part["delay"] for part in path), default=[])
    steps: list[PathStep] = []
    for part in longest:
        routing = part["type"] == "routing"
        module = module_of(part["from"]["cell"])
        step = PathStep(module, 0.0 if routing else part["delay"], part["delay"] * routing)
        if steps and steps[-1].module == module:
            last = steps.pop()
            step = PathStep(module, last.logic + step.logic, last.routing + step.routing)
        steps.append(step)
    return tuple(steps)
