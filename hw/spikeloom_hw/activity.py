"""What the performance counters see of the cores."""

from amaranth.lib import data

from .config import ChipConfig

__all__ = ["activity_layout", "chip_activity_layout"]


def activity_layout(config: ChipConfig) -> data.StructLayout:
    """What happens in a core in a cycle, for the performance counters."""
    return _activity(config, 1)


def chip_activity_layout(config: ChipConfig) -> data.StructLayout:
    """What happens in all cores of a chip in a cycle; what each counts is added up."""
    return _activity(config, config.cores)


def _activity(config: ChipConfig, cores: int) -> data.StructLayout:
    core = config.core
    return data.StructLayout({
        "event": range(cores + 1),
        "spike": range(cores + 1),
        "job": 1,
        "size": range(cores * core.neuron_rows * core.lanes + 1),
        "row": range(cores + 1),
        "integrating": 1,
        "updating": 1,
        "idle": 1,
        "bad_source": 1,
    })
