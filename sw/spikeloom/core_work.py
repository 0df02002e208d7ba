"""What one core does in an average time step."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spikeloom_hw.neuron import Constant, Output
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import on_core, regions

from .step_windows import Overheads, Window
from .walk_costs import WalkCost, walk_costs

__all__ = ["CoreWork", "Sweep", "phases_of"]

# Spikes leave in words of so many neurons, or of all update lanes if they are more.
_WORD = 16


@dataclass(frozen=True)
class Sweep:
    """Cycles of the sweeps of a phase.

    Parameters
    ----------
    counted : float
        Those that ``cycles_update`` counts.
    beside : float
        Those that it does not.
    """

    counted: float = 0.0
    beside: float = 0.0

    @property
    def cycles(self) -> float:
        """All of them."""
        return self.counted + self.beside


class CoreWork:
    """What a core does in an average step.

    Parameters
    ----------
    program : Program
        The program.
    core : int
        The core.
    fired : Mapping of str to (neurons,) array
        Events of each neuron in a step, by population.
    processed : Mapping of str to float
        Share of the rows of each population that are not skipped.
    """

    def __init__(
        self,
        program: Program,
        core: int,
        fired: Mapping[str, np.ndarray],
        processed: Mapping[str, float],
    ) -> None:
        self.program = program
        self.core = core
        self.fired = fired
        self.processed = processed
        self.overheads = Overheads.of(program.config)
        self.costs: dict[str, WalkCost] = walk_costs(program, core)

    @property
    def operations(self) -> float:
        """Synaptic operations."""
        return sum(
            float(events @ self.costs[name].operations) for name, events in self.fired.items()
        )

    @property
    def events_in(self) -> float:
        """Events that it takes from the bus."""
        return sum(float(self.fired[p.name].sum()) for p in self._heard(self.program.populations))

    @property
    def events_out(self) -> float:
        """Events that its neurons put on the bus."""
        lanes = self.program.config.core.lanes
        return sum(
            float(self.fired[p.name][p.members(piece, lanes)].sum())
            for p in self.program.neurons
            if (piece := p.on(self.core))
        )

    @property
    def walked(self) -> float:
        """Cycles in which its lanes add weights."""
        return sum(float(events @ self.costs[name].cycles) for name, events in self.fired.items())

    @cached_property
    def sweeps(self) -> list[Sweep]:
        """Sweeps of each phase."""
        table = self._descriptors
        return [
            self._sweep({name: column[first : first + count] for name, column in table.items()})
            for first, count in self._spans
        ]

    @cached_property
    def windows(self) -> list[Window]:
        """What happens before each sweep, and after the last."""
        program, of = self.program, self.overheads
        phases = self._phases
        recorded, word = program.recorded, max(_WORD, program.config.core.update_lanes)
        found = []
        for number, (populations, here) in enumerate(
            zip([list(program.inputs), *phases], [[], *self._here], strict=True)
        ):
            heard = self._heard(populations)
            events = sum(float(self.fired[p.name].sum()) for p in heard or populations)
            work = sum(float(self.fired[p.name] @ self.costs[p.name].cycles) for p in heard)
            spoken = [p for p in populations if p in recorded]
            words = sum(
                float(self.fired[p.name].sum()) * (2 if p.output is Output.COUNT else 1)
                for p in spoken
            )
            window = Window(
                of,
                events=events,
                walk=work / events if events else 0.0,
                words=words / events if events else 0.0,
                readouts=sum(2 * p.size for p in spoken if p.output is Output.VALUE),
                walks=any(self.costs[p.name].walks for p in heard),
                sweep=sum(-(-p.span // program.config.core.update_lanes) for p in here),
                first=number == 0,
                early=number > 0 and any(p.size > word for p in here),
                last=number == len(phases),
            )
            found.append(window)
        return found

    def _heard(
        self, populations: tuple[PlacedPopulation, ...] | list[PlacedPopulation]
    ) -> list[PlacedPopulation]:
        """Those of some populations whose events the core takes."""
        bits = self._table("filter")
        if bits is None:
            return list(populations)
        return [p for p in populations if bits[""].ravel()[p.source]]

    def _sweep(self, table: Mapping[str, np.ndarray]) -> Sweep:
        """Sweeps of some slices."""
        core, of = self.program.config.core, self.overheads
        names = {p.source: p.name for p in self.program.neurons}
        # What noise or a contest decides is processed whole, and so is what is sent in every step.
        whole = (table["winner"] | table["noise"] | (table["output"] == Output.VALUE)) > 0
        # The winner of a contest is found by a tree over the lanes, and its spike follows.
        beside = float(np.count_nonzero(table["winner"]))
        counted = beside * (core.update_lanes - 1).bit_length()
        for source, last, always in zip(table["source"], table["last_group"], whole, strict=True):
            rows = 1 + last // core.groups_per_row
            skips = core.skip and not always
            share = self.processed.get(names[int(source)], 1.0) if skips else 1.0
            # In some steps there is no such row: words of 32 rows are then read for nothing.
            none = (1 - share) ** rows
            counted += share * (last + 1) + (1 - none) * of.sweep + none * (1 + -(-rows // 32))
            beside += of.population + none
        return Sweep(float(counted), float(beside))

    def _table(self, name: str) -> dict[str, np.ndarray] | None:
        memory = on_core(name, self.core)
        if memory not in self.program.images:
            return None
        layout = regions(self.program.config)[memory].layout
        return unpack_rows(layout, self.program.images[memory])

    @cached_property
    def _descriptors(self) -> dict[str, np.ndarray]:
        """Table of populations, with the fields that are constant."""
        fields = self.program.config.core.fields
        none = np.zeros(0, np.int64)
        table = self._table("populations") or {"source": none, "last_group": none}
        for name in ("winner", "noise", "output"):
            place = fields[name]
            value = place.value if isinstance(place, Constant) else 0
            table.setdefault(name, np.full(len(table["source"]), value))
        return table

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        """First slice of each phase, and how many there are."""
        table = self._table("phases")
        assert table is not None
        return list(zip(table["first"].tolist(), table["count"].tolist(), strict=True))

    @property
    def _here(self) -> list[list[PlacedPopulation]]:
        """Slices of the core in each phase, as populations of their own."""
        lanes = self.program.config.core.lanes
        found = []
        for first, count in self._spans:
            chosen = self._descriptors["source"][first : first + count].tolist()
            whole = [self.program.populations[source] for source in chosen]
            pieces = [p.on(self.core) for p in whole]
            found.append([p.view(s, lanes) for p, s in zip(whole, pieces, strict=True) if s])
        return found

    @property
    def _phases(self) -> list[list[PlacedPopulation]]:
        """Populations of each phase, wherever they are."""
        phase = phases_of(self.program)
        neurons = self.program.neurons
        return [[p for p in neurons if phase[p.name] == k] for k in range(len(self._spans))]


def phases_of(program: Program) -> dict[str, int]:
    """Phase of each population, from the tables that the hardware reads."""
    known, found = regions(program.config), {}
    for core in range(program.config.all_cores):
        names = [on_core(name, core) for name in ("phases", "populations")]
        if names[1] not in program.images:
            continue
        spans, table = (unpack_rows(known[n].layout, program.images[n]) for n in names)
        numbers = np.repeat(np.arange(len(spans["count"])), spans["count"])
        for phase, source in zip(numbers.tolist(), table["source"].tolist(), strict=True):
            found[program.populations[source].name] = phase
    return found
