"""What switches in a time step is counted from the tables that the hardware reads."""

import numpy as np
import pytest

from spikeloom import LIF, Network, compile, quantise
from spikeloom.activity import activity_counts
from spikeloom_hw.program import Program


def program() -> Program:
    network = Network()
    network.add_input("in", 10)
    network.add_population("out", 24, LIF(decay=0.5))
    network.connect("in", "out", np.ones((10, 24)))
    return compile(quantise(network), "generic-8")


def test_the_counts_of_a_dense_network_are_those_of_paper_and_pencil() -> None:
    counts = activity_counts(program(), {"in": 0.5})
    # Five events, each of which reads three rows of eight weights; U is 1.
    assert counts["events"] == 5
    assert counts["weight_rows"] == 15
    assert counts["accumulations"] == 120
    assert counts["neuron_updates"] == 24
    assert counts["memory_accesses"] == 3 * 15 + 3 * 24
    assert counts["cycles"] > 15 + 24


def test_a_silent_network_only_updates() -> None:
    counts = activity_counts(program(), 0.0)
    assert counts["events"] == counts["weight_rows"] == counts["accumulations"] == 0
    assert counts["neuron_updates"] == 24


def test_a_share_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match=r"^Activity of 'in' must lie between 0 and 1, not 2.0$"):
        activity_counts(program(), {"in": 2.0})
