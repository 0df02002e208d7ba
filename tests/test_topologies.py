"""The examples of topologies do what their pages say, in golden and as Verilog."""

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, QuantisedNetwork, compile
from spikeloom.demo import DemoImages

FOLDER = Path(__file__).parents[1] / "examples" / "topologies"
NAMES = ("feedforward", "hybrid", "reservoir", "synfire", "temporal")


def load(name: str) -> Any:
    return SimpleNamespace(**runpy.run_path(str(FOLDER / f"{name}.py")))


feedforward, hybrid, reservoir, synfire, temporal = map(load, NAMES)


def check_verilog(network: QuantisedNetwork, stimulus: Any) -> None:
    expected = Golden(network).run(stimulus)
    with Device.simulate(compile(network, "generic-4")) as device:
        recording = device.run(stimulus)
    sent = expected.spikes | expected.values
    assert sent.keys() == (recording.spikes | recording.values).keys()
    assert all(array.any() for array in sent.values())
    assert expected.difference(recording) is None
    assert recording.counters["synaptic_operations"] == expected.counters["synaptic_operations"]


@pytest.mark.parametrize("example", [feedforward, hybrid, reservoir, synfire, temporal], ids=NAMES)
def test_an_example_draws_its_picture(example: Any, tmp_path: Path) -> None:
    example.picture(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_rates_are_read_by_the_feed_forward_network() -> None:
    right, spikes = feedforward.run()
    assert right >= 0.98
    assert spikes["image"] > spikes["hidden"] > spikes["digit"]


def test_the_hybrid_network_tells_the_direction_of_every_bar() -> None:
    right, (preferred, opposite) = hybrid.run(seeds=1)
    assert right == 1.0
    assert preferred > 10 * opposite


def test_without_the_delay_opposite_directions_look_alike() -> None:
    right, (preferred, opposite) = hybrid.run(delay=0, seeds=1)
    assert right < 0.5
    assert 0.5 < preferred / opposite < 2


@pytest.mark.slow
def test_the_hybrid_network_is_the_same_in_verilog() -> None:
    network = hybrid.build()
    check_verilog(network, hybrid.show(network, hybrid.film(3, contrast=-0.5)[:, None]))


@pytest.mark.parametrize("start", [(20, 3.0), (12, 0.0)])
def test_a_strong_volley_travels_and_synchronises(start: tuple[int, float]) -> None:
    passed = synfire.follow(synfire.run([start]).spikes["chain"][:, 0])
    assert [v.spikes for v in passed[2:]] == [20] * 8
    assert all(v.dispersion < 0.5 for v in passed[2:])
    hops = np.diff([v.time for v in passed[2:]])
    assert np.all(np.abs(hops - hops.mean()) < synfire.STEP_MS)
    assert 5.0 < hops.mean() < 7.0


@pytest.mark.parametrize("start", [(8, 0.0), (20, 9.0)], ids=["weak", "dispersed"])
def test_a_weak_or_dispersed_volley_dies_out(start: tuple[int, float]) -> None:
    chain = synfire.run([start]).spikes["chain"][:, 0]
    assert chain[:, : synfire.SIZE].any()
    assert not chain[:, 4 * synfire.SIZE :].any()


def test_a_chain_without_input_is_silent() -> None:
    silence = np.zeros((400, synfire.SIZE), bool)
    assert not Golden(synfire.build()).run(silence).spikes["chain"].any()


def test_the_wave_goes_round_a_closed_chain_and_not_round_an_open_one() -> None:
    links = 3 * synfire.POOLS
    ring, line = (
        synfire.run([(20, 0.0)], closed=closed, steps=900).spikes["chain"][:, 0]
        for closed in (True, False)
    )
    around = synfire.follow(ring, links)
    assert all(v.spikes == synfire.SIZE for v in around)
    rounds = np.diff([v.time for v in around[:: synfire.POOLS]])
    assert np.all(np.abs(rounds - 10 * synfire.HOP_MS) < synfire.HOP_MS)
    assert np.ptp(rounds) < 1
    assert line.sum(axis=0).max() == 1


@pytest.mark.slow
def test_a_synfire_ring_is_the_same_in_verilog() -> None:
    check_verilog(synfire.build(closed=True), synfire.volley(20, 1.0, 300))


def test_the_reservoir_tells_spoken_digits() -> None:
    right, spikes = reservoir.run()
    assert right >= 0.9
    assert 500 < spikes < 2000


def test_near_neurons_of_a_liquid_are_connected_more_often_and_sooner() -> None:
    arrays = reservoir.draw(seed=7)
    place = np.stack(np.unravel_index(np.arange(reservoir.SIZE), reservoir.GRID), axis=1)
    pre, post = arrays["liquid_pre"], arrays["liquid_post"]
    distance = np.linalg.norm(place[pre] - place[post], axis=1)
    apart = np.linalg.norm(place[:, None] - place, axis=-1).mean()
    assert distance.mean() < apart / 2
    assert np.corrcoef(distance, arrays["liquid_delay"])[0, 1] > 0.9
    inhibits = np.bincount(pre, arrays["liquid_weights"] < 0) > 0
    assert 0.15 < inhibits.mean() < 0.25


@pytest.mark.slow
def test_the_reservoir_is_the_same_in_verilog() -> None:
    spikes, _ = reservoir.samples()
    check_verilog(reservoir.load(), spikes[:, :1])


def test_single_spikes_tell_almost_as_much_as_rates_at_a_fifth_of_the_work() -> None:
    images = DemoImages.load()
    measured = temporal.run(images.images, images.labels)
    rate, latency = measured[temporal.CODES[0]], measured[temporal.CODES[-1]]
    assert rate.right >= 0.98
    assert latency.right >= 0.97
    assert latency.spikes < rate.spikes / 5
    assert latency.operations < rate.operations / 5


@pytest.mark.slow
def test_both_codes_run_on_one_device_and_single_spikes_take_fewer_cycles() -> None:
    # It raises if the Verilog differs from golden in a spike.
    cycles = temporal.cycles(DemoImages.load().images[:2])
    assert cycles[temporal.CODES[-1]] < cycles[temporal.CODES[0]] / 4
