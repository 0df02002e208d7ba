"""Sparse projections of a program, and of a device, that are given other synapses."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloom import (
    Dense,
    Device,
    Golden,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    Sparse,
    compile,
    recompile,
)
from spikeloom.errors import DeviceError, MappingError
from spikeloom.learning.structure import grow, prune, random_pairs, rewire
from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig, Walk
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPart
from spikeloom_hw.registers import on_core, regions
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.structures import STRUCTURES

CONFIG = ChipConfig(STRUCTURES["everything"])
SMALL = Target("small", "for tests", 4, 1, 256, 64, synapse_rows=4096, cores=4)


def synapses(
    rng: np.random.Generator, ends: tuple[str, str], size: tuple[int, int], **more: object
) -> Sparse:
    pre, post = np.nonzero(rng.random(size) < 0.3)
    weights = rng.choice([-3, -2, -1, 1, 2, 3], len(pre))
    order = rng.permutation(len(pre))
    columns = {"pre": pre[order], "post": post[order], "size": size, **more}
    return Sparse(*ends, weights, **columns)


def network_of(seed: int, spare: float = 0.5) -> QuantisedNetwork:
    rng = np.random.default_rng(seed)
    neuron = NeuronParameters(threshold=200, decay=4000, width=20, shift=4)
    projections = (
        synapses(rng, ("in", "a"), (20, 30), spare=spare),
        Dense("a", "b", rng.integers(-8, 8, (30, 13))),
        synapses(rng, ("a", "a"), (30, 30), spare=spare),
        synapses(rng, ("in", "a"), (20, 30), spare=spare, delay=1),
    )
    sizes = {"a": 30, "b": 13}
    populations = (QuantisedPopulation(name, size, neuron) for name, size in sizes.items())
    inputs = QuantisedPopulation("in", 20)
    return QuantisedNetwork((inputs, *populations), projections, 4, 16)


def delayed(network: QuantisedNetwork, seed: int) -> QuantisedNetwork:
    """Give each sparse synapse a delay of its own."""
    rng = np.random.default_rng(seed)
    return replace(
        network,
        projections=tuple(
            replace(p, delays=rng.integers(0, 3, len(p.pre))) if isinstance(p, Sparse) else p
            for p in network.projections
        ),
    )


def changed(network: QuantisedNetwork, seed: int) -> QuantisedNetwork:
    """Remove some synapses, and create more or fewer others, with weights and delays."""
    rng = np.random.default_rng(seed)
    projections = []
    for projection in network.projections:
        if isinstance(projection, Sparse):
            left = prune(projection, rng.random(len(projection.pre)) < 0.4)
            pairs = random_pairs(left, int(rng.integers(1, len(left.pre))), seed)
            count = len(pairs[0])
            delay = 0 if projection.delays is None else rng.integers(0, 3, count)
            projection = grow(left, pairs, rng.choice([-3, -1, 2, 4], count), delay)
        projections.append(projection)
    return replace(network, projections=tuple(projections))


def listed(found: dict[str, np.ndarray]) -> list[tuple[int, ...]]:
    names = ("pre", "post", "weight", "delay")
    return sorted(zip(*(found[name].tolist() for name in names), strict=True))


def of_network(projection: Sparse) -> list[tuple[int, ...]]:
    delays = np.zeros(len(projection.pre), int) if projection.delays is None else projection.delays
    columns = projection.pre, projection.post, projection.weights, delays
    return listed(dict(zip(("pre", "post", "weight", "delay"), columns, strict=True)))


def check_program(program: Program, network: QuantisedNetwork) -> None:
    """Check the tables against the network, and that neurons share no words."""
    names = [p.name for p in network.populations]
    ordered = sorted(network.projections, key=lambda p: names.index(p.source))
    for projection, at in zip(ordered, program.projections, strict=True):
        if not isinstance(projection, Sparse):
            continue
        assert at.shape == projection.weights.shape
        parts, size = [], np.zeros(projection.size[0], int)
        for part in at.parts:
            rows = slice(part.weight_row, part.weight_row + part.rows)
            columns = {k: c[rows] for k, c in image(program, "synapses", part).items()}
            parts.append(columns)
            first, words = program.words_of(at, part)
            used = np.concatenate([np.arange(f, f + n) for f, n in zip(first, words, strict=True)])
            assert len(np.unique(used)) == len(used)
            assert used.min() >= 0 and used.max() < part.rows
            assert not np.delete(columns["weight"], used, axis=0).any()
            size += image(program, "pointers", part)["size"][part.pointer :][: len(size)]
        assert listed(program.synapses_of(at, parts)) == of_network(projection)
        assert np.array_equal(size, projection.operations)


def image(program: Program, name: str, part: PlacedPart) -> dict[str, np.ndarray]:
    memory = on_core(name, part.core)
    return unpack_rows(regions(program.config)[memory].layout, program.images[memory])


@pytest.mark.parametrize("seed", range(30))
def test_a_program_has_the_synapses_of_the_network_after_each_change(seed: int) -> None:
    network = network_of(seed, spare=0.3 if seed % 3 == 0 else 2.0)
    if seed % 2:
        network = delayed(network, seed)
    program = first = compile(network, SMALL, cores=1 + seed % 4)
    check_program(program, network)
    for again in range(4):
        other = changed(network, 100 * seed + again)
        try:
            program = recompile(other, program)
        except MappingError as error:
            assert str(error).startswith("The synapses of projection")
            assert seed % 3 == 0
            continue
        network = other
        check_program(program, network)
    assert program.network == network.fingerprint
    rewired = {on_core(n, k) for n in ("pointers", "synapses") for k in range(4)}
    fixed = set(first.images) - rewired
    assert all(program.images[name] is first.images[name] for name in fixed)


def test_what_does_not_change_stays_in_its_rows() -> None:
    network = network_of(3)
    program = compile(network, SMALL)
    same = recompile(network, program)
    assert all(np.array_equal(same.images[k], image) for k, image in program.images.items())
    # One neuron whose words do not become more changes these words and its pointer alone.
    projection = network.projections[0]
    assert isinstance(projection, Sparse)
    left = prune(projection, np.arange(len(projection.pre)) == 5)
    other = replace(network, projections=(left, *network.projections[1:]))
    moved = recompile(other, program)
    pointers, rows = (
        np.flatnonzero((moved.images[name] != program.images[name]).any(axis=1))
        for name in ("pointers", "synapses")
    )
    at = program.projections[0]
    first, words = program.words_of(at, at.parts[0])
    pre = projection.pre[5]
    assert pointers.tolist() == [pre]
    assert set(rows) <= set(range(first[pre], first[pre] + words[pre]))


@pytest.mark.parametrize("spare", [0.0, 0.25, 1.0])
def test_spare_words_are_kept_in_memory(spare: float) -> None:
    least = compile(network_of(1, spare=0.0), SMALL)
    program = compile(network_of(1, spare=spare), SMALL)
    for at, tight in zip(program.projections, least.projections, strict=True):
        if at.kind is Walk.SPARSE:
            rows = tight.parts[0].rows
            assert at.parts[0].rows == rows + np.ceil(rows * spare)
    assert len(program.images["synapses"]) <= program.config.core.synapse_rows


def test_in_hardware_that_is_there_projections_share_what_is_free() -> None:
    config = compile(network_of(1, spare=0.0), SMALL).config
    network = network_of(1, spare=40.0)
    program = compile(network, config)
    check_program(program, network)
    sparse = [at for at in program.projections if at.kind is Walk.SPARSE]
    total = sum(at.parts[0].rows for at in sparse)
    assert config.core.synapse_rows - len(sparse) < total <= config.core.synapse_rows


def test_a_neuron_without_room_is_named() -> None:
    neuron = NeuronParameters(threshold=200)
    pre, post = np.array([0, 1, 2]), np.array([0, 0, 5])
    sparse = Sparse("in", "out", np.array([1, 2, 3]), pre=pre, post=post, size=(3, 16))
    populations = QuantisedPopulation("in", 3), QuantisedPopulation("out", 16, neuron)
    network = QuantisedNetwork(populations, (sparse,))
    program = compile(network, SMALL)
    grown = grow(sparse, (np.array([1, 1]), np.array([4, 12])), 1)
    message = (
        r"^The synapses of projection 'in' -> 'out' take 5 words of 4 slots, 3 are kept for it: "
        r"neuron 1 takes most more, 3 words, as so many of its targets have the same number "
        r"modulo 4 in 'out'; create fewer synapses, or compile with more 'spare'$"
    )
    with pytest.raises(MappingError, match=message):
        recompile(replace(network, projections=(grown,)), program)
    # Other lanes have room.
    beside = grow(sparse, (np.array([1, 1, 1]), np.array([1, 2, 3])), 1)
    check_program(
        recompile(replace(network, projections=(beside,)), program),
        replace(network, projections=(beside,)),
    )


def test_another_network_is_refused() -> None:
    network = network_of(1)
    program = compile(network, SMALL)
    first, second, *others = network.projections
    swapped = replace(network, projections=(second, first, *others[:1]))
    message = (
        "^Only synapses of sparse projections can be replaced, but the network has other "
        "populations or projections than the program; compile it for the hardware and load it$"
    )
    with pytest.raises(MappingError, match=message):
        recompile(swapped, program)


def test_a_delay_that_the_hardware_does_not_hold_is_refused() -> None:
    network = network_of(1)
    program = compile(network, SMALL)
    first, *others = network.projections
    assert isinstance(first, Sparse)
    late = grow(
        prune(first, np.arange(len(first.pre)) == 0), (np.zeros(1, int), np.zeros(1, int)), 1, 9
    )
    message = (
        "^Projection 'in' -> 'a' has a delay of 9 steps, the hardware holds up to 1; chain a "
        "relay population that passes the spikes on, or shorten the delay$"
    )
    with pytest.raises(MappingError, match=message):
        recompile(replace(network, projections=(late, *others)), program)


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(CONFIG)


@pytest.mark.parametrize("seed", range(3))
def test_a_rewired_device_sends_the_spikes_of_golden(chip: CompiledChip, seed: int) -> None:
    network = delayed(network_of(seed, spare=1.0), seed)
    network = replace(network, weight_width=CONFIG.core.weight_width)
    spikes = np.random.default_rng(seed).random((12, 1, 20)) < 0.5
    chip.reset()
    with Device(SimulatedTransport(chip), compile(network, CONFIG)) as device:
        for again in range(3):
            recording, expected = device.run(spikes, reset=False), Golden(network).run(spikes)
            for name, sent in expected.spikes.items():
                assert sent.any()
                np.testing.assert_array_equal(recording.spikes[name], sent)
            sparse = network.projections[2]
            assert isinstance(sparse, Sparse)
            assert listed(device.synapses("a", "a")) == of_network(sparse)
            network = rewire(network, 0.4, seed=again, weight=3)
            program = recompile(network, device.program)
            assert device.rewire(program) > 0
            assert device.rewire(program) == 0


def test_a_device_is_rewired_by_a_program_for_it_alone(chip: CompiledChip) -> None:
    chip.reset()
    network = replace(network_of(1), weight_width=CONFIG.core.weight_width)
    program = compile(network, CONFIG)
    message = (
        "^The program differs from that of the device in more than synapses of sparse projections; "
        "make it of the device's with recompile, or load it$"
    )
    with Device(SimulatedTransport(chip), program) as device:
        for other in (compile(network, SMALL), compile(network, CONFIG, record=("a",))):
            with pytest.raises(DeviceError, match=message):
                device.rewire(other)


def test_weights_of_a_dense_projection_are_no_synapses(chip: CompiledChip) -> None:
    chip.reset()
    program = compile(replace(network_of(1), weight_width=CONFIG.core.weight_width), CONFIG)
    with Device(SimulatedTransport(chip), program) as device:
        message = "^The projection from 'a' to 'b' is not sparse: read its weights$"
        with pytest.raises(ValueError, match=message):
            device.synapses("a", "b")
