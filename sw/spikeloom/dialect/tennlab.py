"""Descriptions of networks and processors as TENNLab's framework writes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Description", "Edge", "Event", "Node", "describe"]

_DEFAULTS: dict[str, Any] = {
    "leak_mode": "none",
    "threshold_inclusive": True,
    "run_time_inclusive": False,
    "inputs_from_weights": False,
    "discrete": False,
    "weights": (),
}
_REFUSED = {
    "fire_like_ravens": "a neuron would be reset a step after its spike",
    "noisy_stddev": "weights would be drawn at random",
    "stds": "weights would be drawn at random",
}
_IGNORED = {"min_weight", "max_delay", "min_threshold", "max_threshold", "noisy_seed"}
_TAKEN = {"max_weight", "min_potential", "spike_value_factor"}
_LEAK_MODES = ("all", "none", "configurable")


@dataclass(frozen=True)
class Node:
    """A neuron: its number, its threshold, and whether it forgets its charge after every step."""

    id: int
    threshold: float
    leaks: bool


@dataclass(frozen=True)
class Edge:
    """A synapse between two nodes, told by their numbers; its delay is in steps, from 1."""

    source: int
    target: int
    weight: float
    delay: int

    def __str__(self) -> str:
        return f"edge {self.source} -> {self.target}"


@dataclass(frozen=True)
class Event:
    """An input spike: the number of the node that takes it, the step, and the value."""

    node: int
    time: int
    value: float

    def __str__(self) -> str:
        return f"input to node {self.node} at step {self.time}"


@dataclass(frozen=True)
class Description:
    """A network and the parameters of its processor.

    Parameters
    ----------
    nodes : tuple of Node
        In the order of their numbers.
    edges : tuple of Edge
        All synapses.
    inputs, outputs : tuple of int
        Numbers of the nodes that take input, and of those that are read.
    parameters : dict
        Parameters of the processor, with the defaults of those that were not given.
    runs : tuple of tuple of Event
        Input of the runs that the description has, if any.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    parameters: dict[str, Any]
    runs: tuple[tuple[Event, ...], ...]

    def charge(self, value: float) -> float:
        """Charge that an input spike of ``value`` adds to its node."""
        if not 0 <= value <= 1:
            raise ValueError(f"Value of an input must lie between 0 and 1, not {value}")
        weights = self.parameters["weights"]
        if self.parameters["inputs_from_weights"]:
            return float(weights[min(int(value * len(weights)), len(weights) - 1)])
        added = value * self.parameters["spike_value_factor"]
        return float(added // 1) if self.parameters["discrete"] else float(added)

    def charges(self, events: Iterable[Event]) -> dict[tuple[int, int], float]:
        """Sum up what ``events`` add to each node in each step, by (node, step)."""
        charges: dict[tuple[int, int], float] = {}
        for event in events:
            if event.node not in self.inputs:
                raise ValueError(f"There is an {event}, which is no input of the network")
            key = (event.node, event.time)
            charges[key] = charges.get(key, 0.0) + self.charge(event.value)
        return charges


def describe(
    network: Mapping[str, Any], parameters: Mapping[str, Any] | None = None
) -> Description:
    """Read a network in one of the two forms.

    Parameters
    ----------
    network : Mapping
        Either TENNLab's own JSON object, with ``Nodes``, ``Edges``, ``Inputs``, ``Outputs`` and
        ``Properties``; or the short form with ``neurons`` ([id, threshold], with a third number
        for the leak if that is configurable), ``synapses`` ([from, to, weight, delay]),
        ``inputs``, ``outputs``, ``params`` and, if there are any, ``runs``.
    parameters : Mapping or None
        Parameters of the processor; None means those in the object.

    Raises
    ------
    ValueError
        If something is missing, not known, or not supported.
    """
    if "Nodes" in network:
        network = _shorten(network)
    known = _checked(network.get("params", {}) if parameters is None else parameters)
    nodes = tuple(sorted((_node(n, known) for n in network["neurons"]), key=lambda n: n.id))
    edges = tuple(_edge(entry, known) for entry in network["synapses"])
    runs = tuple(
        tuple(Event(int(node), int(time), float(value)) for node, time, value in run["input"])
        for run in network.get("runs", ())
    )
    inputs, outputs = (tuple(map(int, network[name])) for name in ("inputs", "outputs"))
    description = Description(nodes, edges, inputs, outputs, known, runs)
    _check_names(description)
    return description


def _checked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Check the parameters of the processor, and fill in defaults."""
    for name, value in parameters.items():
        if name in _REFUSED and value:
            raise ValueError(f"Parameter {name!r} is not supported: {_REFUSED[name]}")
        if name not in _REFUSED | _DEFAULTS and name not in _IGNORED | _TAKEN:
            raise ValueError(f"Parameter {name!r} is none that RISP has")
    known = _DEFAULTS | dict(parameters)
    if "min_potential" not in known:
        raise ValueError("Parameter 'min_potential' is missing, RISP cannot do without it")
    if known["min_potential"] > 0:
        raise ValueError(
            f"Parameter 'min_potential' must be at most 0, not {known['min_potential']}"
        )
    if known["leak_mode"] not in _LEAK_MODES:
        raise ValueError(
            f"Parameter 'leak_mode' must be one of {', '.join(_LEAK_MODES)}, "
            f"not {known['leak_mode']!r}"
        )
    if known["inputs_from_weights"] and not known["weights"]:
        raise ValueError("Parameter 'inputs_from_weights' needs the parameter 'weights'")
    if not known["inputs_from_weights"] and "spike_value_factor" not in known:
        if "max_weight" not in known:
            raise ValueError("Parameter 'spike_value_factor' is missing, and so is 'max_weight'")
        known["spike_value_factor"] = known["max_weight"]
    return known


def _node(entry: Sequence[Any], parameters: Mapping[str, Any]) -> Node:
    number, threshold = int(entry[0]), float(entry[1])
    leaks = parameters["leak_mode"] == "all"
    if parameters["leak_mode"] == "configurable":
        if len(entry) < 3:
            raise ValueError(f"Leak of node {number} is missing, as the leak mode is configurable")
        leaks = bool(entry[2])
    return Node(number, threshold, leaks)


def _edge(entry: Sequence[Any], parameters: Mapping[str, Any]) -> Edge:
    source, target, weight, delay = entry
    edge = Edge(int(source), int(target), float(weight), int(delay))
    if delay != edge.delay:
        raise ValueError(f"Delay of {edge} must be a whole number of steps, not {delay}")
    weights = parameters["weights"]
    if not weights:
        return edge
    if weight != int(weight) or not 0 <= weight < len(weights):
        raise ValueError(
            f"Weight of {edge} must be the number of one of the {len(weights)} weights of the "
            f"processor, not {weight}"
        )
    return Edge(edge.source, edge.target, float(weights[int(weight)]), edge.delay)


def _check_names(description: Description) -> None:
    """Check that all that is said about nodes is said about nodes that there are."""
    numbers = [node.id for node in description.nodes]
    for number in numbers:
        if numbers.count(number) > 1:
            raise ValueError(f"Node {number} is there more than once")
    for edge in description.edges:
        for end in (edge.source, edge.target):
            if end not in numbers:
                raise ValueError(f"There is no node {end}, which {edge} names")
    for name in ("inputs", "outputs"):
        for number in getattr(description, name):
            if number not in numbers:
                raise ValueError(f"There is no node {number}, which the {name} name")


def _shorten(network: Mapping[str, Any]) -> dict[str, Any]:
    """Bring TENNLab's own form into the short one."""
    places = {
        entry["name"]: entry["index"]
        for kind in ("node_properties", "edge_properties")
        for entry in network["Properties"][kind]
    }
    for name in ("Threshold", "Weight", "Delay"):
        if name not in places:
            raise ValueError(f"Property {name!r} is missing: this is no network of RISP")
    of_node = [places[name] for name in ("Threshold", "Leak") if name in places]
    return {
        "neurons": [[n["id"], *(n["values"][i] for i in of_node)] for n in network["Nodes"]],
        "synapses": [
            [e["from"], e["to"], e["values"][places["Weight"]], e["values"][places["Delay"]]]
            for e in network["Edges"]
        ],
        "inputs": [number for number in network["Inputs"] if number >= 0],
        "outputs": [number for number in network["Outputs"] if number >= 0],
        "params": network.get("Associated_Data", {}).get("proc_params", {}),
    }
