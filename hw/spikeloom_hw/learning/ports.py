"""The memories that the learning engine asks for."""

from ..config import CoreConfig
from ..layout import Layouts
from .entry import rules_depth, rules_layout
from .layout import built, epochs_layout, post_layout, pre_layout
from .port import RowPort

__all__ = ["ports_of"]


def ports_of(config: CoreConfig) -> dict[str, RowPort]:
    """Ports of an engine by name: of each memory of the core that it reads or writes."""
    learning, layouts = built(config), Layouts(config)
    ports = {
        "rules": RowPort(rules_layout(config), rules_depth(config), writes=False),
        "weights": RowPort(layouts.weights, config.weight_rows),
        "state": RowPort(layouts.state, config.groups, writes=False),
    }
    if layouts.neurons.size:
        ports["neurons"] = RowPort(layouts.neurons, config.groups, writes=learning.neurons)
    if learning.pre_traces:
        ports["pre"] = RowPort(pre_layout(config), learning.pre_rows)
    if post_layout(config).size:
        ports["post"] = RowPort(post_layout(config), learning.post_rows)
    if learning.eligibility:
        ports["eligibility"] = RowPort(layouts.weights, config.weight_rows)
        ports["epochs"] = RowPort(epochs_layout(), max(2, learning.entries))
    if learning.sparse and not config.pointers:
        raise ValueError("A learning engine with 'sparse' needs pointers and synapse rows")
    if learning.sparse:
        ports["pointers"] = RowPort(layouts.pointers, config.pointers, writes=False)
        ports["synapses"] = RowPort(layouts.synapses, config.synapse_rows)
    return ports
