"""The report of a build: resources, timing with its critical path, activity."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .path import PathStep

__all__ = ["BuildReport", "Resource", "resources_of"]

Row = tuple[str | float | int | None, ...]


@dataclass(frozen=True)
class Resource:
    """How much of one kind a build takes.

    Parameters
    ----------
    used : int
        What is taken after place and route; after synthesis where there is no place and route.
    available : int
        What the device has.
    synthesised : int
        Cells that Yosys made.
    predicted : int or None
        What was told before the build; None if nothing was.
    """

    used: int
    available: int
    synthesised: int
    predicted: int | None = None

    @property
    def share(self) -> float:
        """Part of the device that is taken."""
        return self.used / self.available if self.available else 0.0


@dataclass(frozen=True)
class BuildReport:
    """What became of a design on a board.

    Parameters
    ----------
    board, device : str
        Names.
    configuration : str
        Fingerprint of the hardware.
    wanted : float
        Frequency of the core on the board in Hz.
    resources : dict of str to Resource
        By ``lut``, ``ff``, ``block_ram``, ``spram``, ``dsp``; what the device lacks is left out.
    reached : float or None
        Highest frequency after place and route in Hz; None without place and route.
    path : tuple of PathStep
        The path that sets it.
    seeds : dict of int to float
        Frequency that each seed reached.
    activity : dict of str to float
        What happens in a time step, which the power follows; empty if it was not estimated.
    tools : dict of str to str
        Versions.
    """

    board: str
    device: str
    configuration: str
    wanted: float
    resources: dict[str, Resource]
    reached: float | None = None
    path: tuple[PathStep, ...] = ()
    seeds: dict[int, float] = field(default_factory=dict)
    activity: dict[str, float] = field(default_factory=dict)
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether it reaches the frequency of the board; None if that is not known."""
        return None if self.reached is None else self.reached >= self.wanted

    @property
    def verdict(self) -> str:
        """One sentence on the timing."""
        wanted = f"{self.wanted / 1e6:.4g} MHz"
        if self.reached is None:
            return f"Asked for {wanted}; the tools of the vendor tell whether it is reached"
        reached, tried = f"{self.reached / 1e6:.4g} MHz", len(self.seeds)
        seeds = f"{tried} seed" + ("s" if tried != 1 else "")
        if self.met:
            return f"Reaches {reached}, {wanted} were asked for; {seeds} tried"
        return f"Too slow: reaches {reached}, {wanted} were asked for; {seeds} tried"

    def to_json(self) -> str:
        """Text of a JSON object; :meth:`from_json` is the inverse."""
        plain = asdict(self) | {"met": self.met, "verdict": self.verdict}
        return json.dumps(plain, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "BuildReport":
        """Rebuild a report from :meth:`to_json`."""
        plain: dict[str, Any] = json.loads(text)
        for derived in ("met", "verdict"):
            plain.pop(derived)
        plain["resources"] = {n: Resource(**r) for n, r in plain["resources"].items()}
        plain["path"] = tuple(PathStep(**step) for step in plain["path"])
        plain["seeds"] = {int(seed): reached for seed, reached in plain["seeds"].items()}
        return cls(**plain)

    def tables(self) -> dict[str, tuple[tuple[str, ...], list[Row]]]:
        """Tables for people: columns and rows, by title."""
        predicted = any(r.predicted is not None for r in self.resources.values())
        columns: tuple[str, ...] = ("resource", "used", "available", "share", "after synthesis")
        columns += ("predicted",) if predicted else ()
        rows: list[Row] = [
            (name.replace("_", " "), r.used, r.available, f"{r.share:.1%}", r.synthesised)
            + ((r.predicted,) if predicted else ())
            for name, r in self.resources.items()
        ]
        tables: dict[str, tuple[tuple[str, ...], list[Row]]] = {"Resources": (columns, rows)}
        if self.path:
            steps: list[Row] = [
                (step.module, round(step.logic, 2), round(step.routing, 2), round(step.delay, 2))
                for step in self.path
            ]
            tables["Critical path, ns"] = (("module", "logic", "wires", "both"), steps)
        if self.activity:
            counts: list[Row] = [
                (name.replace("_", " "), round(value, 1)) for name, value in self.activity.items()
            ]
            tables["Activity of a time step"] = (("", "count"), counts)
        return tables

    def to_text(self) -> str:
        """Text of the report, as tables."""
        lines = [f"{self.board} ({self.device}), configuration {self.configuration}", self.verdict]
        for title, (columns, rows) in self.tables().items():
            cells = [tuple(map(str, columns))]
            cells += [tuple("" if entry is None else str(entry) for entry in row) for row in rows]
            widths = [max(len(row[k]) for row in cells) for k in range(len(columns))]
            lines += ["", title]
            lines += [
                "  ".join(c.ljust(w) if k == 0 else c.rjust(w) for k, (c, w) in _pairs(row, widths))
                for row in cells
            ]
        versions = ", ".join(f"{name} {version}" for name, version in self.tools.items())
        return "\n".join([*lines, "", versions, ""])


def _pairs(row: tuple[str, ...], widths: list[int]) -> Any:
    return enumerate(zip(row, widths, strict=True))


def resources_of(
    used: Mapping[str, int],
    synthesised: Mapping[str, int],
    available: Mapping[str, int],
    predicted: Mapping[str, int] | None,
) -> dict[str, Resource]:
    """Join what is known of each resource that the device has."""
    told = predicted or {}
    return {
        name: Resource(used.get(name, number), available[name], number, told.get(name))
        for name, number in synthesised.items()
        if available[name]
    }
