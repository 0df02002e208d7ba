import dataclasses
import json
from typing import Any

import pytest

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.neuron import Constant, Fields, Per

POWERS = "1, 2, 4, 8, 16, 32, 64, 128"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"lanes": 12}, f"Lanes must be one of {POWERS}, not 12"),
        ({"lanes": 256}, f"Lanes must be one of {POWERS}, not 256"),
        ({"update_lanes": 3}, "Update lanes must be one of 1, 2, 4, 8, 16, 32, not 3"),
        (
            {"lanes": 4, "update_lanes": 8},
            "Update lanes must divide the 4 lanes, 8 does not",
        ),
        ({"weight_width": 6}, "Weight width must be one of 2, 4, 8, 16, not 6"),
        ({"weight_ports": 3}, "Weight ports must be one of 1, 2, not 3"),
        ({"accumulator_width": 7}, "Accumulator width must lie between 8 and 32, not 7"),
        ({"accumulator_width": 33}, "Accumulator width must lie between 8 and 32, not 33"),
        ({"weight_rows": 1}, "Weight rows must lie between 2 and 262144, not 1"),
        ({"neuron_rows": 1 << 15}, "Neuron rows must lie between 2 and 16384, not 32768"),
        ({"populations": 65}, "Populations must lie between 2 and 64, not 65"),
        ({"projections": 0}, "Projections must lie between 2 and 256, not 0"),
        ({"sources": 513}, "Sources must lie between 2 and 512, not 513"),
        ({"phases": 33}, "Phases must lie between 2 and 32, not 33"),
        ({"delay_slots": 3}, "Delay slots must be one of 1, 2, 4, 8, 16, 32, 64, not 3"),
        ({"value_groups": -1}, "Value groups must lie between 0 and 16384, not -1"),
        (
            {"pointers": 16},
            "Sparse projections need both pointers and synapse rows, not 16 and 0",
        ),
    ],
)
def test_a_core_that_cannot_be_built_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        CoreConfig(**arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"cores": 0}, "Cores must lie between 1 and 16, not 0"),
        ({"cores": 17}, "Cores must lie between 1 and 16, not 17"),
        ({"parents": (0, 2)}, "Parent of chip 2 must lie between 0 and 1, not 2"),
        ({"parents": (0,) * 5}, "At most 4 chips can hang on one, not the 5 of chip 0"),
        (
            {"cores": 16, "parents": tuple(range(7))},
            "At most 112 cores have addresses, not 16 on each of 8 chips",
        ),
    ],
)
def test_a_tree_that_cannot_be_built_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ChipConfig(**arguments)


def test_parents_must_be_a_tuple() -> None:
    arguments: dict[str, Any] = {"parents": [0]}
    message = r"^Parents must be a tuple of integers, not \[0\]$"
    with pytest.raises(TypeError, match=message):
        ChipConfig(**arguments)


def test_groups_of_a_slice_are_numbered_in_its_population() -> None:
    core = CoreConfig(lanes=16, update_lanes=4, neuron_rows=6, bases=10)
    assert (core.groups, core.numbers) == (24, 24 + 4 * 9)
    assert CoreConfig(neuron_rows=6).numbers == CoreConfig(neuron_rows=6).groups


def test_a_depth_that_is_no_integer_is_refused() -> None:
    arguments: dict[str, Any] = {"phases": 2.5}
    message = r"^Phases must be an integer or a \(neurons,\) integer array, not 2\.5$"
    with pytest.raises(TypeError, match=message):
        CoreConfig(**arguments)


CONFIGS = [
    ChipConfig(),
    ChipConfig(CoreConfig(lanes=32)),
    ChipConfig(CoreConfig(weight_ports=1)),
    ChipConfig(CoreConfig(phases=9)),
    ChipConfig(CoreConfig(fields=Fields({}, width=16))),
    ChipConfig(CoreConfig(fields=Fields({"bias": Per.NEURON}))),
    ChipConfig(CoreConfig(fields=Fields({"bias": Constant(0)}))),
    ChipConfig(CoreConfig(fields=Fields({"bias": Constant(1)}))),
    ChipConfig(counters=False),
    ChipConfig(window=256),
    ChipConfig(CoreConfig(learning=LearningConfig())),
    ChipConfig(CoreConfig(learning=LearningConfig(terms=4))),
    ChipConfig(CoreConfig(bases=8)),
    ChipConfig(cores=4),
    ChipConfig(parents=(0,)),
    ChipConfig(cores=4, parents=(0, 0, 1)),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_a_configuration_survives_json(config: ChipConfig) -> None:
    again = ChipConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again == config
    assert again.hash == config.hash


def test_each_configuration_has_a_hash_of_its_own() -> None:
    hashes = {config.hash for config in CONFIGS}
    assert len(hashes) == len(CONFIGS)
    assert all(0 <= number < 1 << 64 for number in hashes)


def test_the_hash_does_not_depend_on_the_order_in_which_fields_are_named() -> None:
    one = Fields({"bias": Constant(0), "decay": Per.NEURON})
    other = Fields({"decay": Per.NEURON, "bias": Constant(0)})
    assert ChipConfig(CoreConfig(fields=one)).hash == ChipConfig(CoreConfig(fields=other)).hash


def test_the_hash_covers_every_parameter() -> None:
    other: dict[str, Any] = {"lanes": 8, "update_lanes": 2, "weight_width": 4}
    other |= {"accumulator_width": 20, "weight_rows": 8, "neuron_rows": 8, "populations": 8}
    other |= {"projections": 8, "sources": 8, "phases": 4, "weight_ports": 1}
    other |= {"delay_slots": 4, "payload_width": 8, "value_groups": 2, "taps": 16, "skip": True}
    other |= {"learning": LearningConfig(), "bases": 4}
    sparse: list[dict[str, Any]] = [
        {"pointers": 16, "synapse_rows": 16},
        {"pointers": 32, "synapse_rows": 16},
        {"pointers": 16, "synapse_rows": 32},
    ]
    named = {f.name for f in dataclasses.fields(CoreConfig)}
    assert {*other, *sparse[0], "fields"} == named
    cores = [CoreConfig(**{name: value}) for name, value in other.items()]
    cores += [CoreConfig(**members) for members in sparse]
    changed = {ChipConfig(core).hash for core in cores}
    assert len(changed - {ChipConfig().hash}) == len(cores)


def test_the_hash_is_stable() -> None:
    assert f"{ChipConfig().hash:016x}" == "a14a1e120dd43fb7"


def test_a_core_tells_its_groups() -> None:
    core = CoreConfig(lanes=16, update_lanes=4, neuron_rows=6)
    assert (core.groups_per_row, core.groups) == (4, 24)
    assert (core.weight.width, core.accumulator.width) == (8, 18)
