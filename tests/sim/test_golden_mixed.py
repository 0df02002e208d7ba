from itertools import product
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Fields, Leak, NeuronParameters, Output, Per, Reset, Synapse
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_network import Case, random_case

STEPS = 12
SEEDS = range(150)
OPTIONAL: dict[str, Any] = dict.fromkeys(
    ("leak", "synapse", "output", "winner", "inhibition", "noise", "seed"), Per.POPULATION
)
SPREAD: dict[str, Any] = dict.fromkeys(
    ("threshold", "decay", "current_decay", "adaptation_decay", "adaptation_step"), Per.NEURON
)
COMMON: dict[str, Any] = {"weight_rows": 1 << 13, "neuron_rows": 1 << 10, "accumulator_width": 20}
CORES = (
    CoreConfig(
        **COMMON,
        fields=Fields(OPTIONAL | SPREAD),
        delay_slots=8,
        payload_width=8,
        value_groups=1 << 10,
        taps=64,
        pointers=1 << 10,
        synapse_rows=1 << 12,
    ),
    CoreConfig(
        **COMMON,
        fields=Fields(
            OPTIONAL | dict.fromkeys(("current_decay", "adaptation_step"), Per.POPULATION), 12
        ),
        delay_slots=2,
        payload_width=16,
        value_groups=1 << 10,
        pointers=1 << 10,
        synapse_rows=1 << 12,
        weight_width=4,
    ),
    CoreConfig(**COMMON, fields=Fields(SPREAD, 24), taps=64, weight_width=16),
)


def drawn(seed: int) -> Case:
    return random_case(seed, CORES[seed % len(CORES)], steps=STEPS, largest=30)


# Everything once more, neuron by neuron and synapse by synapse in Python's own integers, from the
# tables of docs/design/0006. It shares nothing with the golden model but the phases.


def dec(number: int, share: int) -> int:
    return number * share // 4096 if number >= 0 else -(-number * share // 4096)


def signed(word: int, bits: int) -> int:
    return word - (1 << bits) if word >> (bits - 1) else word


def rotated(word: int, places: int) -> int:
    return (word << places | word >> (32 - places)) % (1 << 32)


def noise(p: NeuronParameters, time: int, index: int) -> int:
    word = (time + 1) * 0x9E3779B9 % (1 << 32) ^ index
    for turn in range(4):
        word = word * 9 % (1 << 32)
        word = word ^ rotated(word, 7) ^ rotated(word, 17)
        word ^= p.seed * 0x10001 if turn == 0 else 0
    top = word >> 31
    return signed(top << (p.noise - 1) | (word >> 16) % (1 << (p.noise - 1)), p.noise)


class SlowNeuron:
    """Keeps its state as NeuronState names it."""

    def __init__(self, p: NeuronParameters, index: int) -> None:
        self.p, self.index = p, index
        self.potential = self.refractory = self.fired = 0
        self.current = self.adaptation = self.inhibited = 0
        self.above = self.count = 0

    def __getattr__(self, name: str) -> int:
        return self.parameter(name)

    def parameter(self, name: str) -> int:
        value = getattr(self.p, name)
        return int(value[self.index]) if np.ndim(value) else int(value)

    def sat(self, number: int) -> int:
        half = 1 << (self.p.width - 1)
        return min(max(number, -half), half - 1)

    def leaked(self) -> int:
        v = self.potential
        side, size = (1 if v >= 0 else -1), abs(v)
        if self.p.leak is Leak.MULTIPLY:
            return dec(v, self.decay)
        if self.p.leak is Leak.SHIFT:
            return side * (size - -(-size // 2**self.decay))
        return side * max(size - self.decay, 0)

    def fires_at(self, s: int) -> bool:
        above = s - self.threshold - self.adaptation
        return above > 0 or (above == 0 and self.p.inclusive)

    def update(self, x: int, time: int) -> int:
        drive, before = x << self.shift, self.current
        if self.p.synapse is not Synapse.NONE:
            self.current = self.sat(dec(self.current, self.current_decay) + drive)
            drive = self.current if self.p.synapse is Synapse.NEW else before
        owed = self.threshold if self.p.reset is Reset.SUBTRACT_DELAYED and self.fired else 0
        s = self.leaked() + drive + self.bias - owed - self.inhibited * self.inhibition
        s = self.sat(s + (noise(self.p, time, self.index) if self.p.noise else 0))
        rests, self.count = self.refractory > 0, 0
        s = self.reset_value if rests else s
        if not rests and self.p.output in (Output.SPIKE, Output.COUNT):
            most = 31 if self.p.output is Output.COUNT else 1
            while self.count < most and self.fires_at(s - self.count * self.threshold):
                self.count += 1
        self.fired = int(self.count > 0)
        self.above = s - self.threshold - self.adaptation
        taken = self.count * (self.threshold + self.adaptation)
        self.potential = max(s, self.minimum)
        if self.fired:
            kept = {Reset.TO_VALUE: self.reset_value, Reset.SUBTRACT: self.sat(s - taken)}
            self.potential = kept.get(self.p.reset, s)
        grown = dec(self.adaptation, self.adaptation_decay) + self.fired * self.adaptation_step
        self.adaptation = min(grown, (1 << (self.p.width - 1)) - 1)
        rest = self.parameter("refractory")
        self.refractory = rest if self.fired else max(self.refractory - 1, 0)
        return self.potential if self.p.output is Output.VALUE else self.count


def compete(cells: list[SlowNeuron], sent: list[int]) -> list[int]:
    if not cells[0].p.winner:
        return sent
    best = max((c for c in cells if c.fired), key=lambda c: (c.above, -c.index), default=None)
    for cell in cells:
        cell.inhibited = int(best is not None and cell is not best)
    return [int(cell is best) for cell in cells]


def fan_out(p: Projection) -> dict[int, list[tuple[int, int, int]]]:
    """List the synapses (post, weight, delay) of each presynaptic neuron."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    if isinstance(p, Sparse):
        extra = [0] * len(p.pre) if p.delays is None else p.delays.tolist()
        for s, t, w, d in zip(p.pre, p.post, p.weights, extra, strict=True):
            found.setdefault(int(s), []).append((int(t), int(w), p.delay + d))
    elif isinstance(p, Convolution):
        (_, high, wide), (outs, inner, *kernel) = p.input_shape, p.weights.shape
        _, lines, columns = p.output_shape
        places = product(range(outs), range(lines), range(columns))
        for post, (o, oy, ox) in enumerate(places):
            for i, ky, kx in product(range(inner), *map(range, kernel)):
                y = oy * p.stride[0] + ky * p.dilation[0] - p.padding[0][0]
                x = ox * p.stride[1] + kx * p.dilation[1] - p.padding[1][0]
                channel = o // (outs // p.groups) * inner + i
                for dy, dx in product(*map(range, p.pool)):
                    row, column = y * p.pool[0] + dy, x * p.pool[1] + dx
                    if 0 <= y < high // p.pool[0] and 0 <= x < wide // p.pool[1]:
                        pre = (channel * high + row) * wide + column
                        synapse = (post, int(p.weights[o, i, ky, kx]), p.delay)
                        found.setdefault(pre, []).append(synapse)
    else:
        for (s, t), w in np.ndenumerate(p.weights):
            found.setdefault(s, []).append((t, int(w), p.delay))
    return found


class Slow:
    """Runs a network; ``due`` has what each coming update of a population will find."""

    def __init__(self, network: QuantisedNetwork) -> None:
        self.network = network
        self.cells = {
            p.name: [SlowNeuron(p.neuron, i) for i in range(p.size)]
            for p in network.neurons
            if p.neuron
        }
        self.done = dict.fromkeys(self.cells, 0)
        self.due: dict[tuple[str, int], list[int]] = {}
        self.fans = [(p, fan_out(p)) for p in network.projections]
        self.counters = {"events": 0, "synaptic_operations": 0}
        self.sent: dict[str, list[list[int]]] = {name: [] for name in self.cells}
        self.potentials: dict[str, list[list[int]]] = {name: [] for name in self.cells}

    def at(self, name: str, update: int) -> list[int]:
        return self.due.setdefault((name, update), [0] * len(self.cells[name]))

    def deliver(self, name: str, values: Any) -> None:
        half = 1 << (self.network.accumulator_width - 1)
        for pre in np.flatnonzero(values):
            self.counters["events"] += 1
            for projection, fan in self.fans:
                if projection.source != name:
                    continue
                for post, weight, delay in fan.get(int(pre), []):
                    self.counters["synaptic_operations"] += 1
                    sums = self.at(projection.target, self.done[projection.target] + delay)
                    sums[post] += weight * int(values[pre])
                    sums[post] = (sums[post] + half) % (2 * half) - half

    def run(self, stimulus: dict[str, np.ndarray], sample: int) -> None:
        phases = self.network.phases
        for step in range(STEPS):
            for name, train in stimulus.items():
                self.deliver(name, train[step, sample])
            for phase in sorted(set(phases.values())):
                members = [name for name in self.cells if phases[name] == phase]
                taken = {name: self.at(name, step) for name in members}
                for name in members:
                    pairs = zip(self.cells[name], taken[name], strict=True)
                    sent = [cell.update(x, step) for cell, x in pairs]
                    self.sent[name].append(compete(self.cells[name], sent))
                    self.potentials[name].append([c.potential for c in self.cells[name]])
                    self.done[name] = step + 1
                for name in members:
                    if self.cells[name][0].p.output in (Output.SPIKE, Output.COUNT):
                        self.deliver(name, self.sent[name][-1])


@pytest.mark.parametrize("seed", SEEDS)
def test_golden_equals_python_integers(seed: int) -> None:
    case = drawn(seed)
    stimulus = {name: np.concatenate([t, t[::-1]], axis=1) for name, t in case.spikes.items()}
    golden = Golden(case.network)
    recording = golden.run(stimulus, potentials=True)
    state = golden.state
    assert state is not None
    slow = [Slow(case.network) for _ in range(2)]
    for sample, one in enumerate(slow):
        one.run(stimulus, sample)
        for population in case.network.neurons:
            name, neuron = population.name, population.neuron
            valued = neuron is not None and neuron.output is Output.VALUE
            sent = (recording.values if valued else recording.spikes)[name][:, sample]
            potentials = recording.potentials[name][:, sample]
            np.testing.assert_array_equal(potentials, one.potentials[name])
            np.testing.assert_array_equal(sent, one.sent[name])
            for field in state[name]._fields:
                kept = [getattr(cell, field) for cell in one.cells[name]]
                np.testing.assert_array_equal(getattr(state[name], field)[sample], kept, field)
            for update, pending in enumerate(state.pending[name][:, sample]):
                assert pending.tolist() == one.at(name, STEPS + update)
    for counter, count in recording.counters.items():
        assert count == sum(one.counters[counter] for one in slow)


def test_the_networks_are_of_every_kind() -> None:
    cases = [drawn(seed) for seed in SEEDS]
    networks = [case.network for case in cases]
    neurons = [p.neuron for n in networks for p in n.neurons if p.neuron]
    projections = [p for n in networks for p in n.projections]
    seen = [
        *(neuron.output for neuron in neurons),
        *(neuron.leak for neuron in neurons),
        *(neuron.synapse for neuron in neurons),
        *("winner" for neuron in neurons if neuron.winner and neuron.inhibition),
        *("noise" for neuron in neurons if neuron.noise),
        *("adaptation" for neuron in neurons if np.any(neuron.adaptation_step)),
        *(type(p) for p in projections),
        *("pool" for p in projections if isinstance(p, Convolution) and p.pool != (1, 1)),
        *("delay" for p in projections if p.longest_delay),
        *("loop" for p in projections if p.source == p.target),
        *("graded" for n in networks for p in n.inputs if p.largest > 1),
        *(n.timing for n in networks),
    ]
    kinds = {(type(kind), str(kind)) for kind in seen}
    assert len(kinds) == len(Output) + len(Leak) + len(Synapse) + 3 + 3 + 3 + 1 + 2
    assert min(sum(kind is one for one in seen) for kind in seen) >= 10
    sent = [Golden(case.network).run(case.spikes).spikes for case in cases]
    rates = [np.mean(train > 0) for spikes in sent for train in spikes.values()]
    assert min(rates) == 0
    assert max(rates) == 1
    assert sum(0.05 < rate < 0.95 for rate in rates) > len(rates) / 2
    assert max(int(train.max()) for spikes in sent for train in spikes.values()) == 31
