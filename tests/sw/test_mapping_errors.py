"""What cannot be placed is refused in one sentence."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom.errors import MappingError
from spikeloom.mapping import place
from spikeloom_boards.target import Target
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

TARGET = Target("bench", "for tests", 4, 2, 1 << 12, 1 << 9, cores=8, chips=4)
SMALL = replace(TARGET, weight_rows=100, cores=2, chips=1)


def dense(pre: int, size: int, **neuron: Any) -> QuantisedNetwork:
    """An input, and neurons that hear all of it."""
    parameters = NeuronParameters(**{"threshold": 10, **neuron})
    populations = QuantisedPopulation("in", pre), QuantisedPopulation("p0", size, parameters)
    return QuantisedNetwork(populations, (Dense("in", "p0", np.ones((pre, size), int)),))


FAILURES: dict[str, tuple[type[Exception], QuantisedNetwork, Any, dict[str, Any]]] = {
    "Core 0 of 2 needs 320 rows of weights, 220 more than a core of target 'bench' has, 100; "
    "choose a larger target or a smaller network": (MappingError, dense(40, 64), SMALL, {}),
    "Core 0 of 2 needs 320 rows of weights, 220 more than a core of target 'bench' has, 100; "
    "ask for more cores or chips, or choose a larger target or a smaller network": (
        MappingError,
        dense(40, 64),
        replace(SMALL, cores=4),
        {"cores": 2},
    ),
    "Population 'p0' needs at least 200 rows of weights on one core, as it cannot be cut "
    "further, 100 more than a core of target 'bench' has, 100; choose a larger target or a "
    "smaller network": (MappingError, dense(200, 4), SMALL, {}),
    "Target 'bench' has from 1 to 2 cores on a chip, not 3; choose another number or another "
    "target": (MappingError, dense(4, 4), SMALL, {"cores": 3}),
    "Target 'bench' has from 1 to 1 chips, not 2; choose another number or another target": (
        MappingError,
        dense(4, 4),
        SMALL,
        {"chips": 2},
    ),
    "Core 5 is pinned, but there are 2 cores from 0 on; ask for more cores or chips, or pin to "
    "others": (MappingError, dense(4, 4), SMALL, {"pins": {"p0": 5}}),
    "Pins name 'in', but the populations of neurons are 'p0'": (
        ValueError,
        dense(4, 4),
        SMALL,
        {"pins": {"in": 1}},
    ),
    "Pin of population 'p0' must be a core or a sequence of cores, not '1'": (
        TypeError,
        dense(4, 4),
        SMALL,
        {"pins": {"p0": "1"}},
    ),
    "Pin of population 'p0' must be different cores from 0 on, not (1, 1)": (
        ValueError,
        dense(4, 4),
        SMALL,
        {"pins": {"p0": (1, 1)}},
    ),
    "Population 'p0' has 1 pieces of 1 rows, too few for 2 cores; pin it to fewer": (
        MappingError,
        dense(4, 4),
        SMALL,
        {"pins": {"p0": (0, 1)}},
    ),
    "Population 'p0' cannot be cut over cores 0, 1, as its neurons compete, share errors or "
    "share channels; pin it to one": (
        MappingError,
        dense(4, 40, winner=True),
        SMALL,
        {"pins": {"p0": (0, 1)}},
    ),
    "The hardware has 2 cores on a chip, not 4; leave the number out, or generate hardware for "
    "this network": (
        MappingError,
        dense(4, 40),
        place(dense(4, 40), SMALL, cores=2).config,
        {"cores": 4},
    ),
}


@pytest.mark.parametrize("message", FAILURES)
def test_what_cannot_be_placed_is_told_in_a_sentence(message: str) -> None:
    error, network, target, given = FAILURES[message]
    with pytest.raises(error) as caught:
        place(network, target, **given)
    assert str(caught.value) == message
