import copy
import re
from collections.abc import Callable
from typing import Any

import pytest

from spikeloom.dialect import risp

PLAIN: dict[str, Any] = {
    "params": {"min_potential": -1, "max_weight": 1, "leak_mode": "none", "discrete": False},
    "neurons": [[3, 1.0], [0, 1.0]],
    "synapses": [[0, 3, 0.5, 1]],
    "inputs": [0],
    "outputs": [3],
}


def test_the_form_of_tennlab_is_read_too() -> None:
    network = {
        "Nodes": [{"id": 3, "values": [1.0]}, {"id": 0, "values": [1.0]}],
        "Edges": [{"from": 0, "to": 3, "values": [2, 0.5]}],
        "Inputs": [0],
        "Outputs": [3],
        "Properties": {
            "node_properties": [{"name": "Threshold", "index": 0}],
            "edge_properties": [{"name": "Weight", "index": 1}, {"name": "Delay", "index": 0}],
            "network_properties": [],
        },
        "Associated_Data": {"other": {"proc_name": "risp"}, "proc_params": PLAIN["params"]},
    }
    read = risp.read(network)
    assert (read.nodes, read.inputs, read.outputs, read.scale) == ((0, 3), (0,), (3,), 2)
    inputs, synapses = read.quantised.projections
    assert inputs.weights.tolist() == [[2, 0]]
    assert [array.tolist() for array in next(synapses.synapses())] == [[0], [1], [1], [1]]
    del network["Properties"]["edge_properties"][1]
    message = "Property 'Delay' is missing: this is no network of RISP"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        risp.read(network)


def test_inputs_take_only_full_spikes_unless_the_network_is_read_as_graded() -> None:
    half = [[0, 2, 0.5]]
    network = risp.read(PLAIN)
    assert network.stimulus([[0, 2, 1]], 4).tolist() == [[False], [False], [True], [False]]
    message = (
        "Input to node 0 at step 2 has the charge 0.5, the network was read for spikes of 1: read "
        "it with graded=True"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        network.stimulus(half, 4)
    assert risp.read(PLAIN, graded=True).stimulus(half, 4).tolist() == [[0], [0], [1], [0]]


def edit(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(case: dict[str, Any]) -> None:
        *way, last = path.split(".")
        place: Any = case
        for key in way:
            place = place[int(key) if key.isdigit() else key]
        place[int(last) if last.isdigit() else last] = value

    return change


FLOATS = "RISP adds such numbers in floating point, and integers cannot follow its rounding"
REFUSED = [
    (
        edit("neurons.0.1", 0.0),
        (
            "Threshold of node 3 is 0: a RISP neuron would fire only in steps "
            "that bring it an event; it must be above 0"
        ),
    ),
    (
        edit("synapses.0.3", 65),
        (
            "Delay of edge 0 -> 3 must lie between 1 and 64 steps, not 65; a "
            "chain of nodes that pass the spike on makes a longer one"
        ),
    ),
    (
        edit("synapses.0.3", 0),
        (
            "Delay of edge 0 -> 3 must lie between 1 and 64 steps, not 0; a "
            "chain of nodes that pass the spike on makes a longer one"
        ),
    ),
    (edit("synapses.0.3", 1.5), "Delay of edge 0 -> 3 must be a whole number of steps, not 1.5"),
    (
        edit("synapses.0.2", 0.3),
        "Weight of edge 0 -> 3 is 0.3, which is no multiple of 1/1024: " + FLOATS,
    ),
    (
        edit("neurons.1.1", 0.7),
        "Threshold of node 0 is 0.7, which is no multiple of 1/1024: " + FLOATS,
    ),
    (edit("synapses.0.1", 7), "There is no node 7, which edge 0 -> 7 names"),
    (edit("outputs.0", 8), "There is no node 8, which the outputs name"),
    (edit("neurons.0.0", 0), "Node 0 is there more than once"),
    (
        edit("runs", [{"input": [[3, 1, 1]]}]),
        ("There is an input to node 3 at step 1, which is no input of the network"),
    ),
    (edit("runs", [{"input": [[0, 1, 2]]}]), "Value of an input must lie between 0 and 1, not 2.0"),
    (
        edit("params.fire_like_ravens", True),
        (
            "Parameter 'fire_like_ravens' is not supported: a "
            "neuron would be reset a step after its spike"
        ),
    ),
    (
        edit("params.noisy_stddev", 0.1),
        ("Parameter 'noisy_stddev' is not supported: weights would be drawn at random"),
    ),
    (edit("params.leek", 1), "Parameter 'leek' is none that RISP has"),
    (
        edit("params.leak_mode", "some"),
        ("Parameter 'leak_mode' must be one of all, none, configurable, not 'some'"),
    ),
    (
        edit("params.leak_mode", "configurable"),
        ("Leak of node 3 is missing, as the leak mode is configurable"),
    ),
    (edit("params.min_potential", 1), "Parameter 'min_potential' must be at most 0, not 1"),
    (
        edit("params.min_potential", -1e10),
        (
            "Charges may reach 1e+10, which takes 36 bits of the 32 "
            "that there are; use a greater 'min_potential' or smaller weights"
        ),
    ),
    (edit("params", {}), "Parameter 'min_potential' is missing, RISP cannot do without it"),
    (
        edit("params", {"min_potential": 0}),
        ("Parameter 'spike_value_factor' is missing, and so is 'max_weight'"),
    ),
    (
        edit("params.inputs_from_weights", True),
        ("Parameter 'inputs_from_weights' needs the parameter 'weights'"),
    ),
    (
        edit("params.weights", [1, 2]),
        (
            "Weight of edge 0 -> 3 must be the number of one of the 2 "
            "weights of the processor, not 0.5"
        ),
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_what_is_not_the_same_here_is_refused(
    change: Callable[[dict[str, Any]], None], message: str
) -> None:
    case = copy.deepcopy(PLAIN)
    change(case)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        risp.read(case)


def test_an_input_outside_the_run_is_refused() -> None:
    message = (
        "Input to node 0 at step 4 lies outside the run of 4 steps; give it to the run that it "
        "falls into"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        risp.read(PLAIN).stimulus([[0, 4, 1]], 4)
