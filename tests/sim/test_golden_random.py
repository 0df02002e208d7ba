import numpy as np
import pytest

from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

SEEDS = range(80)


# The execution model once more, neuron by neuron in Python's own integers. It shares nothing with
# the golden model but the phases, which test_phases holds against tables worked by hand.


def toward_zero(product, fraction):
    return product >> fraction if product >= 0 else -((-product) >> fraction)


def saturate(number, width):
    return min(max(number, -(1 << (width - 1))), (1 << (width - 1)) - 1)


def at(value, index):
    return int(value[index]) if isinstance(value, np.ndarray) else int(value)


class SlowNeuron:
    def __init__(self, parameters, index):
        self.parameters = parameters
        self.index = index
        self.v = self.rest = self.fired = 0

    def update(self, x):
        p = self.parameters
        theta, back = at(p.threshold, self.index), at(p.reset_value, self.index)
        leaked = toward_zero(self.v * at(p.decay, self.index), 12)
        if p.reset is Reset.SUBTRACT_DELAYED and self.fired:
            leaked -= theta
        s = saturate(leaked + (x << p.shift) + at(p.bias, self.index), p.width)
        if self.rest > 0:
            self.rest -= 1
            self.v, self.fired = max(back, p.minimum), 0
            return 0
        self.fired = int(s >= theta if p.inclusive else s > theta)
        if not self.fired:
            self.v = max(s, p.minimum)
            return 0
        self.rest = at(p.refractory, self.index)
        self.v = {
            Reset.TO_VALUE: back,
            Reset.SUBTRACT: saturate(s - theta, p.width),
            Reset.NONE: s,
            Reset.SUBTRACT_DELAYED: s,
        }[p.reset]
        return 1


def run_slowly(network, stimulus, sample):
    """Return spikes and potentials of one sample, as {name: [step][neuron]}."""
    cells = {p.name: [SlowNeuron(p.neuron, i) for i in range(p.size)] for p in network.neurons}
    sums = {name: [0] * len(neurons) for name, neurons in cells.items()}
    spikes = {name: [] for name in cells}
    potentials = {name: [] for name in cells}
    half = 1 << (network.accumulator_width - 1)

    def deliver(name, fires):
        for projection in network.projections_from(name):
            target = sums[projection.target]
            for i in np.flatnonzero(fires):
                for j in range(len(target)):
                    total = target[j] + int(projection.weights[i, j])
                    target[j] = (total + half) % (2 * half) - half

    for step in range(len(next(iter(stimulus.values())))):
        for name, train in stimulus.items():
            deliver(name, train[step, sample])
        for phase in sorted(set(network.phases.values())):
            members = [name for name in cells if network.phases[name] == phase]
            taken = {name: sums[name] for name in members}
            for name in members:
                sums[name] = [0] * len(cells[name])
            for name in members:
                fires = [cell.update(x) for cell, x in zip(cells[name], taken[name], strict=True)]
                spikes[name].append(fires)
                potentials[name].append([cell.v for cell in cells[name]])
                deliver(name, fires)
    return spikes, potentials


def random_neuron(rng, size):
    width = int(rng.choice([10, 16, 18, 24]))
    high = (1 << (width - 1)) - 1
    shift = int(rng.integers(8))
    scale = max(2, min(high // 2, int(rng.integers(20, 400)) << shift))

    def pick(low, top):
        if rng.random() < 0.3:
            return rng.integers(low, top + 1, size)
        return int(rng.integers(low, top + 1))

    minimum = None if rng.random() < 0.6 else -int(rng.integers(scale))
    kind = rng.random()
    threshold = pick(1, scale) if kind < 0.9 else high if kind < 0.95 else -high
    return NeuronParameters(
        threshold=threshold,
        decay=4096 if rng.random() < 0.2 else pick(0, 4096),
        bias=pick(-scale // 8, scale // 8) if rng.random() < 0.5 else 0,
        reset=Reset(int(rng.integers(4))),
        reset_value=pick(minimum or 0, scale // 2) if rng.random() < 0.5 else 0,
        minimum=minimum,
        refractory=pick(0, 15) if rng.random() < 0.5 else 0,
        inclusive=bool(rng.random() < 0.5),
        shift=shift,
        width=width,
    )


def random_weights(rng, shape, limit):
    kind = rng.random()
    if kind < 0.2:
        return rng.choice([-limit, limit - 1], shape)
    if kind < 0.4:
        return rng.integers(-limit, limit, shape) * (rng.random(shape) < 0.3)
    return rng.integers(-limit // 2, limit, shape)


def random_network(rng):
    inputs = [
        QuantisedPopulation(f"in{k}", int(rng.integers(1, 41))) for k in range(rng.integers(1, 4))
    ]
    sizes = rng.integers(1, 41, rng.integers(1, 6))
    neurons = [
        QuantisedPopulation(f"p{k}", int(size), random_neuron(rng, int(size)))
        for k, size in enumerate(sizes)
    ]
    weight_width = int(rng.choice([2, 4, 8, 16]))
    limit = 1 << (weight_width - 1)
    projections = []
    for j, target in enumerate(neurons):
        for i, source in enumerate(inputs + neurons):
            back = i - len(inputs) >= j
            chain = i == j or (not back and rng.random() < 0.4)
            if chain or (back and rng.random() < 0.2):
                weights = random_weights(rng, (source.size, target.size), limit)
                projections.append(Dense(source.name, target.name, weights))
                if rng.random() < 0.1:
                    projections.append(projections[-1])
    order = inputs + neurons
    rng.shuffle(order)
    widest = weight_width + 10
    return QuantisedNetwork(tuple(order), tuple(projections), weight_width, widest)


def random_stimulus(rng, network, steps, batch):
    activity = rng.choice([0.0, 0.1, 0.5, 1.0], p=[0.05, 0.5, 0.35, 0.1])
    stimulus = {p.name: rng.random((steps, batch, p.size)) < activity for p in network.inputs}
    for train in stimulus.values():
        train[rng.random(steps) < 0.2] = False
    return stimulus


@pytest.fixture(params=["numpy", "numba"])
def engine(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return request.param


@pytest.mark.parametrize("seed", SEEDS)
def test_random_networks_equal_python_integers(seed, engine):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    stimulus = random_stimulus(rng, network, steps=15, batch=2)
    golden = Golden(network, engine=engine)
    recording = golden.run(stimulus, potentials=True)
    for sample in range(2):
        spikes, potentials = run_slowly(network, stimulus, sample)
        for name in network.phases:
            np.testing.assert_array_equal(recording.potentials[name][:, sample], potentials[name])
            np.testing.assert_array_equal(recording.spikes[name][:, sample], spikes[name])


def test_random_networks_cover_what_they_should():
    networks = [random_network(np.random.default_rng(seed)) for seed in SEEDS]
    parameters = [p.neuron for network in networks for p in network.neurons if p.neuron]
    assert {p.reset for p in parameters} == set(Reset)
    assert {p.shift for p in parameters} == set(range(8))
    assert {p.inclusive for p in parameters} == {False, True}
    refractory = np.concatenate([np.atleast_1d(p.refractory) for p in parameters])
    assert set(refractory.tolist()) == set(range(16))
    for name in ("threshold", "decay", "bias", "reset_value", "refractory"):
        assert sum(isinstance(getattr(p, name), np.ndarray) for p in parameters) >= 10
    loops = [n for n in networks if any(late(n, p) for p in n.projections)]
    assert len(loops) >= 20
    assert sum(len(network.inputs) > 1 for network in networks) >= 20
    rates = []
    for seed, network in enumerate(networks):
        stimulus = random_stimulus(np.random.default_rng(seed), network, steps=15, batch=1)
        recording = Golden(network).run(stimulus)
        rates += [spikes.mean() for spikes in recording.spikes.values()]
    assert min(rates) == 0
    assert max(rates) == 1
    assert sum(0.05 < rate < 0.95 for rate in rates) > len(rates) / 3


def late(network, projection):
    phases = network.phases
    return phases.get(projection.source, -1) >= phases[projection.target]


@pytest.mark.parametrize("seed", range(10))
def test_batch_equals_samples_one_by_one(seed, engine, monkeypatch):
    monkeypatch.setattr("spikeloom_sim.execution.BLOCK_NEURONS", 60)
    monkeypatch.setattr("spikeloom_sim.execution.BLOCK_SPIKES", 300)
    rng = np.random.default_rng(100 + seed)
    network = random_network(rng)
    stimulus = random_stimulus(rng, network, steps=20, batch=5)
    golden = Golden(network, engine=engine)
    whole = golden.run(stimulus, potentials=True)
    parts = [
        golden.run({name: train[:, k] for name, train in stimulus.items()}, potentials=True)
        for k in range(5)
    ]
    for name in network.phases:
        together = np.concatenate([part.potentials[name] for part in parts], axis=1)
        np.testing.assert_array_equal(whole.potentials[name], together)
        together = np.concatenate([part.spikes[name] for part in parts], axis=1)
        np.testing.assert_array_equal(whole.spikes[name], together)
    for counter, count in whole.counters.items():
        assert count == sum(part.counters[counter] for part in parts)


@pytest.mark.parametrize("seed", range(10))
def test_a_run_continues_from_a_state(seed, engine):
    rng = np.random.default_rng(200 + seed)
    network = random_network(rng)
    stimulus = random_stimulus(rng, network, steps=20, batch=2)
    golden = Golden(network, engine=engine)
    whole = golden.run(stimulus, potentials=True)
    golden.run({name: train[:7] for name, train in stimulus.items()})
    rest = golden.run(
        {name: train[7:] for name, train in stimulus.items()},
        potentials=True,
        state=golden.state,
    )
    for name in network.phases:
        np.testing.assert_array_equal(whole.potentials[name][7:], rest.potentials[name])
        np.testing.assert_array_equal(whole.spikes[name][7:], rest.spikes[name])


def test_state_goes_from_one_engine_to_the_other():
    pytest.importorskip("numba")
    rng = np.random.default_rng(5)
    network = random_network(rng)
    stimulus = random_stimulus(rng, network, steps=20, batch=3)
    compiled, plain = Golden(network, engine="numba"), Golden(network)
    compiled.run(stimulus)
    plain.run(stimulus)
    assert compiled.state is not None and plain.state is not None
    for name in network.phases:
        for one, other in zip(compiled.state[name], plain.state[name], strict=True):
            np.testing.assert_array_equal(one, other)
            assert one.dtype == other.dtype


def test_input_spikes_are_left_as_they_were(engine):
    rng = np.random.default_rng(3)
    network = random_network(rng)
    stimulus = random_stimulus(rng, network, steps=5, batch=2)
    before = {name: train.copy() for name, train in stimulus.items()}
    Golden(network, engine=engine).run(stimulus)
    for name, train in stimulus.items():
        np.testing.assert_array_equal(train, before[name])
