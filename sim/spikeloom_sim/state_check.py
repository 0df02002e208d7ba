"""Whether a state can be the beginning of a run of a network."""

from collections.abc import Mapping
from typing import Any

from .learning import LearningState, plastic_projections
from .quantised import QuantisedNetwork
from .run_state import RunState

__all__ = ["check_state"]


def check_state(network: QuantisedNetwork, late: Mapping[str, int], state: Any, batch: int) -> None:
    """Raise unless a state fits a network.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    late : Mapping of str to int
        At how many coming updates spikes may arrive, for each population of neurons.
    state : RunState
        The state.
    batch : int
        Samples of the run.
    """
    if not isinstance(state, RunState):
        raise TypeError(f"State must be a RunState, as a run leaves it, not {state!r}")
    for population in network.neurons:
        name, size = population.name, population.size
        if name not in state or name not in state.pending:
            raise ValueError(f"State of population {name!r} is missing")
        expected, got = (batch, size), state[name].potential.shape
        if got != expected:
            raise ValueError(
                f"State of population {name!r} must have the shape {expected}, not {got}"
            )
        expected, got = (late[name], batch, size), state.pending[name].shape
        if got != expected:
            raise ValueError(
                f"Pending input of population {name!r} must have the shape {expected}, not {got}"
            )
    _check_learning(network, state)


def _check_learning(network: QuantisedNetwork, state: RunState) -> None:
    if not state.learning:
        return
    known = plastic_projections(network.projections, network.phases)
    if state.learning.keys() != known.keys():
        raise ValueError(
            f"State is that of a network that learns in {_listed(state.learning)}, "
            f"this one does in {_listed(known)}"
        )
    for name, projection in known.items():
        rest = LearningState.rest(projection.rule, projection.shape)
        for part, expected, got in zip(rest._fields, rest, state.learning[name], strict=True):
            if got.shape != expected.shape:
                raise ValueError(
                    f"State of learning of projection {name!r} must have {part} of the shape "
                    f"{expected.shape}, not {got.shape}: is it of another rule?"
                )
    if state.network not in ("", network.fingerprint):
        raise ValueError(
            f"State is that of network {state.network}, which learned, this one is "
            f"{network.fingerprint}: go on with the network that was saved with the state"
        )


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "no projections"
