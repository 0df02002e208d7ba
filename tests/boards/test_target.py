import pytest

from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import CoreConfig


def test_targets_are_found_by_their_names() -> None:
    assert all(target.name == name for name, target in TARGETS.items())
    assert all(target.summary for target in TARGETS.values())


@pytest.mark.parametrize("target", TARGETS.values(), ids=str)
def test_the_hardware_of_a_target_can_be_generated_at_its_limits(target: Target) -> None:
    core = CoreConfig(
        lanes=target.lanes,
        update_lanes=target.update_lanes,
        neuron_rows=target.neuron_rows,
        weight_rows=min(target.weight_rows, 32768),
        weight_ports=target.weight_ports,
        delay_slots=target.delay_slots,
        pointers=2,
        synapse_rows=min(target.synapse_rows, 8192),
        skip=target.skip,
    )
    assert core.groups_per_row * target.update_lanes == target.lanes
    assert core.accumulator_rows == target.delay_slots * target.neuron_rows


def test_targets_for_any_device_have_every_feature() -> None:
    generic = [t for name, t in TARGETS.items() if name.startswith("generic")]
    assert len(generic) == 5
    assert all(t.skip and t.delay_slots == 64 and t.synapse_rows >= 1 << 14 for t in generic)
