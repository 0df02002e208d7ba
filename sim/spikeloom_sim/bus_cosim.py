"""Accelerators and cores with standard ports in Icarus, driven by models of the buses."""

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .bus_access import Access, Outcome
from .cosim import run_bench
from .tools import SimulationError

__all__ = ["BusRun", "Port", "cosimulate_buses"]

Port = Literal["axi", "wishbone"]

_BENCH = "spikeloom_sim.bus_cosim_bench"


@dataclass(frozen=True)
class BusRun:
    """What a bench did and saw.

    Parameters
    ----------
    before, during, after : list of Outcome
        Outcomes of the accesses.
    packets : list of list of int
        Data of the stream out, cut at its ``tlast``.
    cycles : int
        Clock cycles from the first event word offered to the last packet taken.
    """

    before: list[Outcome]
    during: list[Outcome]
    after: list[Outcome]
    packets: list[list[int]]
    cycles: int


def cosimulate_buses(
    verilog: str | os.PathLike[str],
    port: Port,
    words: Sequence[int],
    *,
    before: Sequence[Access] = (),
    during: Sequence[Access] = (),
    after: Sequence[Access] = (),
    steps: int = 0,
    schedule: Sequence[int] = (),
    seed: int | None = None,
) -> BusRun:
    """Drive an emitted accelerator or core through its register port and its streams.

    AXI4-Lite and the streams are driven by the models of cocotbext-axi, Wishbone by a master that
    checks the rules of its standard mode in each cycle.

    Parameters
    ----------
    verilog : path
        File with one module, named like the file: an
        :class:`~spikeloom_hw.wrap.accelerator.Accelerator` or a
        :class:`~spikeloom_hw.wrap.single_core.SingleCore`.
    port : "axi" or "wishbone"
        Kind of its register port.
    words : sequence of int
        What goes into the stream; for a single core, too, VALUE is a word behind its event.
    before, during, after : sequence of Access
        Accesses before the first word, beside the words, and after the last packet; those
        beside the words are made again and again until the last packet is there.
    steps : int
        Packets to wait for.
    schedule : sequence of int
        STEP events that a time step consists of, for a single core: the bench is then its
        network; it clears the core, puts them in place of each STEP of ``words``, and sends the
        core its own events. A packet is then what the core sent in a time step.
    seed : int or None
        Seed of pauses on all channels; None for none.

    Raises
    ------
    SimulationError
        If a tool is missing or fails, or the bus is not answered as its rules say.
    """
    _check_models()
    job: dict[str, Any] = {
        "port": port,
        "words": [int(word) for word in words],
        "before": [_listed(access) for access in before],
        "during": [_listed(access) for access in during],
        "after": [_listed(access) for access in after],
        "steps": steps,
        "schedule": [int(word) for word in schedule],
        "seed": seed,
    }
    (result,) = run_bench(verilog, "icarus", _BENCH, job)
    outcomes = {
        name: [Outcome(bool(failed), value) for failed, value in result[name]]
        for name in ("before", "during", "after")
    }
    return BusRun(**outcomes, packets=result["packets"], cycles=result["cycles"])


def _check_models() -> None:
    """Raise SimulationError unless the models of AXI are there."""
    try:
        found = importlib.util.find_spec("cocotbext.axi")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise SimulationError(
            "The simulation needs cocotbext-axi: install it with 'pip install cocotbext-axi'"
        )


def _listed(access: Access) -> list[int | None]:
    return [access.offset, access.value, access.size]
