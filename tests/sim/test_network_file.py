import os
from pathlib import Path

import numpy as np
import pytest

from spikeloom_hw.archive import write_archive
from spikeloom_hw.neuron import Leak, NeuronParameters, Output, Reset, Synapse
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

NEURON = NeuronParameters(
    threshold=np.array([5, 6, 7, 8]),
    decay=400,
    bias=-1,
    reset=Reset.SUBTRACT_DELAYED,
    reset_value=np.array([-2, 3, 0, 1]),
    minimum=-50,
    refractory=2,
    inclusive=True,
    shift=3,
    leak=Leak.LINEAR,
    synapse=Synapse.OLD,
    current_decay=np.array([1, 2, 3, 4096]),
    adaptation_decay=5,
    adaptation_step=6,
    winner=True,
    inhibition=7,
    noise=8,
    seed=65535,
    width=16,
)
COUNT = NeuronParameters(threshold=1, reset=Reset.SUBTRACT, output=Output.COUNT)


def network() -> QuantisedNetwork:
    """Make a network of all kinds of parts."""
    populations = (
        QuantisedPopulation("in/0", 18, shape=(2, 3, 3), largest=9),
        QuantisedPopulation("maps", 8, COUNT, 0.125, (8, 1, 1)),
        QuantisedPopulation("hidden", 4, NEURON),
    )
    projections = (
        Convolution(
            "in/0",
            "maps",
            np.arange(32).reshape(8, 1, 2, 2) - 16,
            input_shape=(2, 3, 3),
            stride=(2, 2),
            padding=((0, 1), (1, 0)),
            dilation=(3, 3),
            groups=2,
            pool=(1, 1),
            delay=1,
        ),
        Dense("maps", "hidden", np.arange(32).reshape(8, 4), delay=2),
        Sparse(
            "hidden",
            "hidden",
            np.array([300, -7]),
            pre=np.array([0, 3]),
            post=np.array([1, 3]),
            size=(4, 4),
            delays=np.array([2, 0]),
        ),
        Sparse("hidden", "maps", np.array([1]), pre=np.array([0]), post=np.array([7]), size=(4, 8)),
    )
    return QuantisedNetwork(populations, projections, 10, 18, "pipelined")


def same(one: object, other: object, names: list[str]) -> None:
    assert type(one) is type(other)
    for name in names:
        expected, got = getattr(one, name), getattr(other, name)
        assert type(got) is type(expected), name
        np.testing.assert_array_equal(got, expected, name)


def test_a_network_is_saved_and_loaded(tmp_path: Path) -> None:
    made = network()
    path = tmp_path / "network.npz"
    made.save(path)
    loaded = QuantisedNetwork.load(path)
    assert os.listdir(tmp_path) == ["network.npz"]
    assert (loaded.weight_width, loaded.accumulator_width) == (10, 18)
    assert loaded.timing == "pipelined"
    for one, other in zip(made.populations, loaded.populations, strict=True):
        same(one, other, ["name", "size", "scale", "shape", "largest"])
        if one.neuron is not None:
            same(one.neuron, other.neuron, list(NeuronParameters.__dataclass_fields__))
    for one, other in zip(made.projections, loaded.projections, strict=True):
        same(one, other, list(type(one).__dataclass_fields__))
        assert one.weights.dtype == other.weights.dtype


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "network.npz"
    network().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=f"^{path} is not a complete quantised network file$"):
        QuantisedNetwork.load(path)


def test_a_file_of_an_older_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "network.npz"
    write_archive(path, ("quantised network", 1), {}, {})
    message = f"^{path} is a quantised network file of version 1; this Spikeloom reads version 2$"
    with pytest.raises(ValueError, match=message):
        QuantisedNetwork.load(path)
