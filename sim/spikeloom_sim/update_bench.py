"""Bench of the update: its memories, and a model that says what it must do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from amaranth.hdl import Value

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.layout import Layouts
from spikeloom_hw.neuron import NeuronParameters, NeuronState, Output, Per
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.update import Update

__all__ = ["SweptPopulation", "UpdateBench"]

_LONGEST = 3000  # cycles of a step


class SweptPopulation:
    """Some neurons, where they are, and their state in the model.

    Parameters
    ----------
    parameters : NeuronParameters
        Of the neurons.
    pixels, channels : int
        Each pixel starts at a row, and takes a power of two of rows; one pixel is a flat
        population.
    """

    def __init__(self, parameters: NeuronParameters, pixels: int, channels: int) -> None:
        self.parameters = parameters
        self.pixels, self.channels = pixels, channels
        self.source = 0
        self.stride = 1
        self.index = self.places = self.rows = np.zeros(0, int)
        self.state: NeuronState = parameters.rest((pixels * channels,))

    def place(self, config: CoreConfig, row: int, source: int) -> int:
        """Start at a row; give the row behind the last."""
        rows = -(-self.channels // config.lanes)
        self.stride = 1 << (rows - 1).bit_length() if self.pixels > 1 else rows
        pixel = np.arange(self.pixels)[:, None] * self.stride * config.lanes
        self.source, self.index = source, (pixel + np.arange(self.channels)).ravel()
        self.places = row * config.lanes + self.index
        self.rows = np.arange(row, int(self.places[-1]) // config.lanes + 1)
        return int(self.rows[-1]) + 1

    def descriptor(self, config: CoreConfig) -> dict[str, int]:
        """Its row in the table of populations."""
        width, groups = config.update_lanes, self.stride * config.groups_per_row
        all_ones = (1 << (config.groups - 1).bit_length()) - 1
        kept = config.fields.kept(Per.POPULATION)
        return {
            "row": int(self.rows[0]),
            "last_group": int(self.index[-1]) // width,
            "period": groups - 1 if self.pixels > 1 else all_ones,
            "full": self.channels // width,
            "tail": (1 << self.channels % width) - 1,
            "source": self.source,
            **{name: int(getattr(self.parameters, name)) for name in kept},
        }

    def always(self) -> bool:
        """Whether it is never skipped."""
        p = self.parameters
        return bool(p.noise) or p.winner or p.output is Output.VALUE


class UpdateBench:
    """An :class:`~spikeloom_hw.update.Update` with memories that answer a cycle later.

    The model keeps one accumulator for each neuron and slot, and which rows are dirty or quiet.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.
    populations : list of SweptPopulation
        Are placed one behind the other, from row ``row`` on; their sources count from 3.
    phases : list of (int, int)
        First population and number of populations of each phase.
    row : int
        Where the first population begins.

    Attributes
    ----------
    memories : dict of str to list of int
        Rows of the tables and memories.
    sums : (slots, rows, lanes) int array
        Accumulators, in the model.
    spikes : list of (int, int)
        Source and index of the spikes of the last step.
    values : list of (int, int, int, int)
        Source, index, value and whether it is for the host, of the last step.
    busy, cycles, rows : int
        Cycles in which the last step kept the update busy, all its cycles, and rows processed.
    """

    def __init__(
        self,
        config: CoreConfig,
        populations: Sequence[SweptPopulation],
        phases: Sequence[tuple[int, int]],
        row: int = 0,
    ) -> None:
        self.config, self.layouts = config, Layouts(config)
        self.populations, self.phases = populations, phases
        for source, population in enumerate(populations, 3):
            row = population.place(config, row, source)
        if row > config.neuron_rows:
            raise ValueError(f"The populations need {row} rows, there are {config.neuron_rows}")
        self.dut = Update(config)
        slots, depth = config.delay_slots, config.accumulator_rows // config.delay_slots
        self.sums = np.zeros((slots, depth, config.lanes), np.int64)
        self._quiet, self._dirty = np.zeros(depth, bool), np.zeros((slots, depth), bool)
        self._awake, self.time = slots + 1, 0
        self.memories = self._memories()
        self.spikes: list[tuple[int, ...]] = []
        self.values: list[tuple[int, ...]] = []
        self.busy = self.cycles = self.rows = 0

    def _memories(self) -> dict[str, list[int]]:
        config, layouts = self.config, self.layouts
        descriptors = [p.descriptor(config) for p in self.populations]
        columns = {name: np.array([d[name] for d in descriptors]) for name in descriptors[0]}
        first, count = np.array(self.phases).T
        kept = config.fields.kept(Per.NEURON)
        per_neuron = {name: np.zeros(config.neuron_rows * config.lanes, int) for name in kept}
        for population in self.populations:
            for name, column in per_neuron.items():
                column[population.places] = getattr(population.parameters, name)
        by_group = {name: v.reshape(-1, config.update_lanes) for name, v in per_neuron.items()}
        junk = np.random.default_rng(1).integers(0, 2, (config.groups, layouts.state.size))
        return {
            "phase": _integers(pack_rows(layouts.phases, {"first": first, "count": count})),
            "population": _integers(pack_rows(layouts.populations, columns)),
            "state": [int("".join(map(str, row)), 2) for row in junk],
            "parameters": _integers(pack_rows(layouts.neurons, by_group)) if kept else [],
            "accumulators": [1] * config.accumulator_rows,
        }

    async def tick(self, ctx: Any) -> tuple[int, int, int, int]:
        """Serve the memories for a cycle; give ready, busy, processed and finished."""
        dut, memories = self.dut, self.memories
        ports = [
            (dut.phase_read, dut.phase, dut.phase_entry, "phase"),
            (dut.population_read, dut.population, dut.descriptor, "population"),
            (dut.group_read, dut.group, dut.state, "state"),
            (dut.group_read, dut.group, dut.parameters, "parameters"),
            (dut.row_read, dut.row, dut.accumulators, "accumulators"),
        ]
        reads = [signal for read, row, *_ in ports for signal in (read, row)]
        writes = dut.state_write, dut.written_group, Value.cast(dut.next_state)
        writes += dut.row_clear, dut.cleared_row
        flags = dut.i.ready, dut.busy, dut.processed, dut.finished
        sends = [dut.spikes.valid, dut.spikes.payload]
        if self.config.value_groups:
            sends += [dut.values.valid, dut.values.payload]
        _, _, *sampled = await ctx.tick().sample(*reads, *writes, *flags, *sends)
        for k, (_, _, port, name) in enumerate(ports):
            if sampled[2 * k] and memories[name]:
                # The population behind the last one may be read, to no effect.
                rows = [*memories[name], 0]
                ctx.set(Value.cast(port), rows[min(sampled[2 * k + 1], len(rows) - 1)])
        written, group, value, cleared, row, *rest = sampled[len(reads) :]
        if written and group < len(memories["state"]):
            memories["state"][group] = value
        if cleared:
            memories["accumulators"][row] = 0
        self._collect(*rest[4:])
        return rest[0], rest[1], rest[2], rest[3]

    def _collect(self, valid: int, spikes: Any, carries: int = 0, values: Any = None) -> None:
        width = range(self.config.update_lanes)
        if valid:
            first = int(spikes.group) * len(width)
            bits = [u for u in width if int(spikes.bits) >> u & 1]
            self.spikes += [(int(spikes.source), first + u) for u in bits]
        if carries:
            first, readout = int(values.group) * len(width), int(values.readout)
            bits = [u for u in width if int(values.mask) >> u & 1]
            sent = [(first + u, int(values.values[u]), readout) for u in bits]
            self.values += [(int(values.source), *each) for each in sent]

    async def do(self, ctx: Any, operation: Operation, phase: int = 0) -> int:
        """Give a step, and serve the memories until it is done; give whether END answers it."""
        dut = self.dut
        ctx.set(dut.i.payload, {"operation": operation.value, "phase": phase})
        ctx.set(dut.i.valid, 1)
        ready, finished, self.busy, self.cycles, self.rows = 0, 0, 0, 0, 0
        self.spikes, self.values = [], []
        while not ready:
            ready, busy, processed, finished = await self.tick(ctx)
            self.busy, self.cycles = self.busy + busy, self.cycles + 1
            self.rows += processed
            if self.cycles == _LONGEST:
                raise TimeoutError(f"The step was not done within {_LONGEST} cycles")
        ctx.set(dut.i.valid, 0)
        if operation is Operation.DONE:
            self.time, self._awake = self.time + 1, max(0, self._awake - 1)
        if operation is Operation.CLEAR:
            self._clear()
        return finished

    def _clear(self) -> None:
        self.sums[:], self.time, self._awake = 0, 0, self.config.delay_slots + 1
        for p in self.populations:
            p.state = p.parameters.rest(p.places.shape)

    async def add(self, ctx: Any, slot: int, row: int, values: np.ndarray) -> None:
        """Add values to a row of accumulators, as the lane pipe does."""
        self.touch(slot, row, values)
        self._dirty[slot, row] = True
        ctx.set(self.dut.touched, 1)
        ctx.set(self.dut.touched_row, slot * self.sums.shape[1] + row)
        await self.tick(ctx)
        ctx.set(self.dut.touched, 0)

    def touch(self, slot: int, row: int, values: np.ndarray) -> None:
        """Add values to a row of accumulators, of which the update is told nothing."""
        lanes, width = self.config.lanes, self.config.accumulator_width
        places = np.concatenate([p.places for p in self.populations])
        self.sums[slot, row] += values * np.isin(np.arange(lanes) + row * lanes, places)
        sums = (int(value) % (1 << width) for value in self.sums[slot, row])
        word = sum(value << lane * width for lane, value in enumerate(sums))
        self.memories["accumulators"][slot * self.sums.shape[1] + row] = word

    async def wake(self, ctx: Any) -> None:
        """Say that anything may have changed."""
        ctx.set(self.dut.wake, 1)
        await self.tick(ctx)
        ctx.set(self.dut.wake, 0)
        self._awake = self.config.delay_slots + 1

    def expect(self, phase: int) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], int]:
        """Update a phase in the model; give spikes, values, and the rows to be processed."""
        spikes, values, rows = [], [], 0
        first, count = self.phases[phase]
        slot = self.time % self.config.delay_slots
        for p in self.populations[first : first + count]:
            given, before, output = self.sums[slot].ravel()[p.places], p.state, p.parameters.output
            p.state, sent = p.parameters.step(before, given, self.time)
            leaves = np.ones(sent.shape, bool) if output is Output.VALUE else sent > 0
            events = [(p.source, int(index)) for index in p.index[leaves]]
            if output in (Output.VALUE, Output.COUNT):
                readout = int(output is Output.VALUE)
                carried = zip(events, sent[leaves], strict=True)
                values += [(*event, int(value), readout) for event, value in carried]
            else:
                spikes += events

            # A row is processed if it got input, or if it did something the last time.
            due = self._dirty[slot] | ~self._quiet | bool(self._awake) | p.always()
            rows += int(due[p.rows].sum()) if self.config.skip else len(p.rows)
            stirs = leaves | (given != 0)
            for name in self.config.fields.state.members:
                stirs |= getattr(before, name) != getattr(p.state, name)
            self._quiet[p.rows] = True
            self._quiet[p.places[stirs] // self.config.lanes] = False
            self._dirty[slot, p.rows], self.sums[slot, p.rows] = False, 0
        return spikes, values, rows

    def differences(self) -> list[str]:
        """What in the memories is not as in the model: accumulators, and members of the state."""
        config, layouts, found = self.config, self.layouts, []
        words = _words(self.memories["accumulators"], layouts.accumulators)
        sums = unpack_rows(layouts.accumulators, words)[""].reshape(self.sums.shape)
        exist = slice(config.neuron_rows)
        if not np.array_equal(sums[:, exist], self.sums[:, exist]):
            found.append("accumulators")
        state = unpack_rows(layouts.state, _words(self.memories["state"], layouts.state))
        for name in config.fields.state.members:
            for p in self.populations:
                if not np.array_equal(state[name].ravel()[p.places], getattr(p.state, name)):
                    found.append(f"{name} of source {p.source}")
        return found


def _integers(rows: np.ndarray) -> list[int]:
    """Rows of words as integers."""
    return [sum(int(word) << 32 * k for k, word in enumerate(row)) for row in rows]


def _words(rows: list[int], layout: Any) -> np.ndarray:
    """Integers as rows of words."""
    count = -(-layout.size // 32)
    split = [[row >> 32 * k & 0xFFFFFFFF for k in range(count)] for row in rows]
    return np.array(split, np.uint32)
