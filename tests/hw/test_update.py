import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Value

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.layout import Layouts
from spikeloom_hw.neuron import Fields, LIFParameters, LIFState, Per, Reset
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.update import Update
from spikeloom_sim.bench import simulate

SIZES = (13, 5, 22)
PHASES = {"first": np.array([0, 2, 0]), "count": np.array([2, 1, 0])}


def config_of(lanes: int, update_lanes: int) -> CoreConfig:
    places = {"threshold": Per.NEURON, "bias": Per.NEURON}
    return CoreConfig(
        lanes=lanes,
        update_lanes=update_lanes,
        fields=Fields(places, 16),
        neuron_rows=sum(-(-size // lanes) for size in SIZES) + 1,
        populations=3,
        projections=2,
        sources=8,
        phases=3,
    )


def ints(words: np.ndarray) -> list[int]:
    """Rows of words as integers."""
    return [sum(int(word) << 32 * k for k, word in enumerate(row)) for row in words]


class Bench:
    """Three populations in two phases, their tables, and memories that answer a cycle later."""

    def __init__(self, config: CoreConfig, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.config, self.layouts = config, Layouts(config)
        self.dut = Update(config)
        self.neurons = config.neuron_rows * config.lanes
        self.rows = np.cumsum([0, *(-(-size // config.lanes) for size in SIZES)])[:3]
        self.parameters = [
            LIFParameters(
                threshold=rng.integers(-50, 300, size),
                bias=rng.integers(-20, 20, size),
                decay=int(rng.integers(0, 4097)),
                reset=Reset(int(rng.integers(4))),
                reset_value=int(rng.integers(-5, 5)),
                minimum=-100,
                refractory=int(rng.integers(1, 4)),
                inclusive=bool(rng.integers(2)),
                shift=int(rng.integers(3)),
                width=16,
            )
            for size in SIZES
        ]
        self.state = LIFState(
            rng.integers(-400, 400, self.neurons),
            rng.integers(0, 3, self.neurons).astype(np.int8),
            rng.random(self.neurons) < 0.5,
        )
        self.current = rng.integers(-300, 300, self.neurons)
        self.memories = self._memories()
        self.spikes: list[tuple[int, int]] = []
        self.busy = self.cycles = 0

    def span(self, population: int) -> slice:
        first = int(self.rows[population]) * self.config.lanes
        return slice(first, first + SIZES[population])

    def _memories(self) -> dict[str, list[int]]:
        width = self.config.update_lanes
        columns = {
            "row": self.rows,
            "last_group": np.array([-(-size // width) - 1 for size in SIZES]),
            "tail": np.array([(1 << (size % width or width)) - 1 for size in SIZES]),
            "source": np.arange(3) + 4,
        }
        for name in self.config.fields.kept(Per.POPULATION):
            columns[name] = np.array([int(getattr(p, name)) for p in self.parameters])
        threshold, bias = np.zeros((2, self.neurons), int)
        for k, parameters in enumerate(self.parameters):
            threshold[self.span(k)], bias[self.span(k)] = parameters.threshold, parameters.bias
        layouts = self.layouts
        by_group = {name: part.reshape(-1, width) for name, part in self.state._asdict().items()}
        per_neuron = {"threshold": threshold.reshape(-1, width), "bias": bias.reshape(-1, width)}
        sums = self.current.reshape(-1, self.config.lanes)
        return {
            "phase": ints(pack_rows(layouts.phases, PHASES)),
            "population": ints(pack_rows(layouts.populations, columns)),
            "state": ints(pack_rows(layouts.state, by_group)),
            "parameters": ints(pack_rows(layouts.neurons, per_neuron)),
            "accumulators": ints(pack_rows(layouts.accumulators, sums)),
        }

    async def do(self, ctx: Any, operation: Operation, phase: int) -> None:
        """Give a step, and serve the memories until it is done."""
        dut, memories = self.dut, self.memories
        ports = [
            (dut.phase_read, dut.phase, dut.phase_entry, "phase"),
            (dut.population_read, dut.population, dut.descriptor, "population"),
            (dut.group_read, dut.group, dut.state, "state"),
            (dut.group_read, dut.group, dut.parameters, "parameters"),
            (dut.row_read, dut.row, dut.accumulators, "accumulators"),
        ]
        writes = dut.state_write, dut.written_group, Value.cast(dut.next_state)
        writes += dut.row_clear, dut.cleared_row
        ends = dut.i.ready, dut.busy, dut.spikes.valid, dut.spikes.payload
        ctx.set(dut.i.payload, {"operation": operation.value, "phase": phase})
        ctx.set(dut.i.valid, 1)
        done, self.busy, self.cycles = False, 0, 0
        while not done:
            reads = [signal for read, row, *_ in ports for signal in (read, row)]
            _, _, *sampled = await ctx.tick().sample(*reads, *writes, *ends)
            asked, rest = sampled[: len(reads)], sampled[len(reads) :]
            for k, (_, _, port, name) in enumerate(ports):
                if asked[2 * k]:
                    # The population behind the last one may be read, to no effect.
                    rows = [*memories[name], 0]
                    ctx.set(Value.cast(port), rows[min(asked[2 * k + 1], len(rows) - 1)])
            written, group, value, cleared, row, done, busy, valid, spikes = rest
            if written:
                memories["state"][group] = value
            if cleared:
                memories["accumulators"][row] = 0
            if valid:
                base = int(spikes.group) * self.config.update_lanes
                bits = range(self.config.update_lanes)
                self.spikes += [
                    (int(spikes.source), base + u) for u in bits if int(spikes.bits) >> u & 1
                ]
            self.busy, self.cycles = self.busy + busy, self.cycles + 1
            assert self.cycles < 2000
        ctx.set(dut.i.valid, 0)

    def expect(self, phase: int) -> list[tuple[int, int]]:
        """Advance the populations of a phase as the model does; give their spikes."""
        fired = []
        first = PHASES["first"][phase]
        for k in range(first, first + PHASES["count"][phase]):
            span = self.span(k)
            state = LIFState(*(part[span] for part in self.state))
            state, spikes = self.parameters[k].step(state, self.current[span])
            for part, new in zip(self.state, state, strict=True):
                part[span] = new
            self.current[span] = 0
            fired += [(k + 4, int(index)) for index in np.flatnonzero(spikes)]
        return fired

    def check(self, phases: tuple[int, ...]) -> None:
        """Hold the neurons of populations that were updated against the model."""
        layout = self.layouts.state
        count = -(-layout.size // 32)
        words = [
            [row >> 32 * k & 0xFFFFFFFF for k in range(count)] for row in self.memories["state"]
        ]
        state = unpack_rows(layout, np.array(words, np.uint32))
        for phase in phases:
            first = PHASES["first"][phase]
            for k in range(first, first + PHASES["count"][phase]):
                for name, part in self.state._asdict().items():
                    assert np.array_equal(state[name].ravel()[self.span(k)], part[self.span(k)])
                last = int(self.rows[k]) + -(-SIZES[k] // self.config.lanes)
                assert not any(self.memories["accumulators"][int(self.rows[k]) : last])


SHAPES = [(4, 1), (8, 2), (16, 4), (16, 16), (4, 4)]


@pytest.mark.parametrize("lanes, update_lanes", SHAPES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_sweep_computes_what_the_model_does(lanes: int, update_lanes: int, seed: int) -> None:
    bench = Bench(config_of(lanes, update_lanes), seed)
    rng = random.Random(seed)
    expected: list[tuple[int, int]] = []

    async def steps(ctx: Any) -> None:
        for phase in (0, 1, 0, 1, 1):
            before = list(bench.memories["accumulators"])
            bench.spikes.clear()
            await bench.do(ctx, Operation.UPDATE, phase)
            assert bench.spikes == bench.expect(phase)
            expected.extend(bench.spikes)
            bench.check((phase,))
            # What the phase does not hold is left alone.
            other = 1 - phase
            first = PHASES["first"][other]
            for k in range(first, first + PHASES["count"][other]):
                row = int(bench.rows[k])
                assert bench.memories["accumulators"][row] == before[row]
            for _ in range(rng.randrange(3)):
                await ctx.tick()

    simulate(bench.dut, steps)
    assert expected


@pytest.mark.parametrize("lanes, update_lanes", SHAPES)
def test_a_sweep_takes_eight_cycles_more_than_it_has_groups(lanes: int, update_lanes: int) -> None:
    bench = Bench(config_of(lanes, update_lanes), 3)

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.UPDATE, 1)

    simulate(bench.dut, steps)
    groups = -(-SIZES[2] // update_lanes)
    assert bench.busy <= groups + 8
    assert bench.cycles <= groups + 10


def test_clear_zeroes_all_states_and_accumulators() -> None:
    bench = Bench(config_of(8, 2), 4)

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.CLEAR, 0)

    simulate(bench.dut, steps)
    assert not any(bench.memories["state"])
    assert not any(bench.memories["accumulators"])
    assert bench.cycles == bench.config.groups + 1
    assert bench.spikes == []


@pytest.mark.parametrize(
    "operation, phase", [(Operation.UPDATE, 2), (Operation.LEARN, 0), (Operation.DONE, 1)]
)
def test_a_step_without_neurons_changes_nothing(operation: Operation, phase: int) -> None:
    bench = Bench(config_of(8, 2), 5)
    before = {name: list(rows) for name, rows in bench.memories.items()}

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, operation, phase)

    simulate(bench.dut, steps)
    assert bench.memories == before
    assert bench.spikes == []
    assert bench.cycles <= 2
