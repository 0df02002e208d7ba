"""Structures of cores that between them build every part, to hold simulations against golden."""

from dataclasses import replace
from typing import Any

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.neuron import Constant, Fields, Per, Reset, Synapse

__all__ = ["LEARNING", "SPARSE_LEARNING", "STRUCTURES"]

_TABLES: dict[str, Any] = {"populations": 4, "projections": 32, "sources": 8, "phases": 4}
_Places = dict[str, Constant | Per]

_EVERYTHING_PER_NEURON: _Places = dict.fromkeys(
    ("decay", "threshold", "bias", "reset_value", "minimum", "refractory"), Per.NEURON
)
_NOTHING_BUT_INTEGRATION: _Places = {
    "decay": Constant(4096),
    "bias": Constant(0),
    "reset": Constant(Reset.TO_VALUE.value),
    "reset_value": Constant(0),
    "minimum": Constant(-(1 << 15)),
    "refractory": Constant(0),
    "inclusive": Constant(0),
    "shift": Constant(0),
}
_CURRENT: _Places = {"synapse": Per.POPULATION, "current_decay": Per.NEURON}
_ADAPTIVE: _Places = {"adaptation_decay": Per.POPULATION, "adaptation_step": Per.NEURON}
_COMPETING: _Places = dict.fromkeys(("winner", "inhibition", "noise", "seed"), Per.POPULATION)
_VALUES: _Places = {"output": Per.POPULATION}

STRUCTURES = {
    "one lane": CoreConfig(lanes=1, update_lanes=1, weight_rows=8192, neuron_rows=64, **_TABLES),
    "all per population, skipping": CoreConfig(
        lanes=4, update_lanes=1, weight_rows=2048, neuron_rows=64, skip=True, **_TABLES
    ),
    "all per neuron": CoreConfig(
        lanes=8,
        update_lanes=4,
        weight_width=4,
        accumulator_width=12,
        fields=Fields(_EVERYTHING_PER_NEURON, 16),
        weight_rows=1024,
        neuron_rows=16,
        **_TABLES,
    ),
    "plain integrate and fire": CoreConfig(
        lanes=8,
        update_lanes=1,
        weight_width=2,
        accumulator_width=16,
        fields=Fields(_NOTHING_BUT_INTEGRATION, 16),
        weight_rows=1024,
        neuron_rows=16,
        weight_ports=1,
        **_TABLES,
    ),
    "wide words": CoreConfig(
        lanes=16,
        update_lanes=16,
        weight_width=16,
        accumulator_width=24,
        fields=Fields({"threshold": Per.NEURON}, 24),
        weight_rows=512,
        neuron_rows=8,
        **_TABLES,
    ),
    "many lanes, current-based": CoreConfig(
        lanes=32,
        update_lanes=8,
        fields=Fields({
            "reset": Constant(Reset.SUBTRACT_DELAYED.value),
            "synapse": Constant(Synapse.NEW.value),
            "current_decay": Per.POPULATION,
        }),
        weight_rows=512,
        neuron_rows=8,
        **_TABLES,
    ),
    "convolutions": CoreConfig(
        lanes=4,
        update_lanes=2,
        weight_rows=2048,
        neuron_rows=32,
        taps=64,
        skip=True,
        **_TABLES,
    ),
    "convolutions with delays": CoreConfig(
        lanes=8,
        update_lanes=8,
        weight_width=4,
        fields=Fields(_CURRENT),
        weight_rows=2048,
        neuron_rows=32,
        taps=64,
        delay_slots=4,
        skip=True,
        **_TABLES,
    ),
    "sparse with delays": CoreConfig(
        lanes=4,
        update_lanes=1,
        weight_rows=2048,
        neuron_rows=16,
        pointers=512,
        synapse_rows=1024,
        delay_slots=16,
        skip=True,
        **_TABLES,
    ),
    "adaptive and current-based": CoreConfig(
        lanes=4,
        update_lanes=4,
        fields=Fields(_CURRENT | _ADAPTIVE),
        weight_rows=2048,
        neuron_rows=64,
        delay_slots=2,
        skip=True,
        **_TABLES,
    ),
    "values": CoreConfig(
        lanes=4,
        update_lanes=2,
        fields=Fields(_VALUES),
        weight_rows=2048,
        neuron_rows=64,
        payload_width=8,
        value_groups=64,
        **_TABLES,
    ),
    "competing": CoreConfig(
        lanes=4,
        update_lanes=2,
        fields=Fields(_COMPETING | {"leak": Per.POPULATION}),
        weight_rows=2048,
        neuron_rows=64,
        skip=True,
        **_TABLES,
    ),
    "everything": CoreConfig(
        lanes=4,
        update_lanes=2,
        fields=Fields(_CURRENT | _ADAPTIVE | _COMPETING | _VALUES | {"leak": Per.POPULATION}, 20),
        weight_rows=2048,
        neuron_rows=32,
        delay_slots=4,
        payload_width=8,
        value_groups=256,
        taps=64,
        pointers=512,
        synapse_rows=1024,
        skip=True,
        **_TABLES,
    ),
}
"""Cores by what is special about them; none is large, so that each simulates fast."""

LEARNING = CoreConfig(
    lanes=4,
    update_lanes=2,
    fields=Fields(
        _ADAPTIVE
        | _VALUES
        | {"winner": Per.POPULATION, "inhibition": Per.POPULATION}
        | dict.fromkeys(("threshold", "decay"), Per.NEURON)
    ),
    weight_rows=512,
    neuron_rows=16,
    delay_slots=4,
    value_groups=32,
    skip=True,
    learning=LearningConfig(
        entries=4,
        terms=4,
        pre_traces=2,
        post_traces=3,
        pre_lanes=2,
        pre_rows=64,
        post_rows=64,
        dependence=True,
        errors=True,
        sdsp=True,
        back=True,
        neurons=True,
        eligibility=True,
    ),
    **_TABLES,
)
"""A core with a whole learning engine."""

SPARSE_LEARNING = replace(
    LEARNING,
    pointers=128,
    synapse_rows=512,
    learning=replace(LEARNING.learning or LearningConfig(), sparse=True),
)
"""The same, of which sparse projections learn too."""
