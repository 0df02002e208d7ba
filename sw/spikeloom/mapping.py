"""From a quantised network to the program of one core."""

import numpy as np

from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.neuron import Per
from spikeloom_hw.packing import pack_rows
from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program
from spikeloom_hw.registers import regions
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .errors import MappingError
from .structure import check_fit, field_values, structure

__all__ = ["place"]


def place(
    quantised: QuantisedNetwork,
    target: str | Target | ChipConfig = "generic-16",
    *,
    record: tuple[str, ...] | None = None,
) -> Program:
    """Place a network on one core.

    Parameters
    ----------
    quantised : QuantisedNetwork
        Network.
    target : str, Target or ChipConfig
        Shape of the hardware to generate, by name or as an object; or the configuration of
        hardware that exists already, into which the network is to be loaded.
    record : tuple of str or None
        Populations whose spikes the host receives; None means all but the inputs.

    Raises
    ------
    MappingError
        If the target does not exist or the network does not fit.
    """
    if isinstance(target, ChipConfig):
        check_fit(quantised, target)
        config = target
    else:
        config = structure(quantised, _target(target))
    populations = _populations(quantised, config.core.lanes)
    projections = _projections(quantised, config.core.lanes)
    order = sorted(quantised.neurons, key=lambda p: quantised.phases[p.name])
    columns = {
        "schedule": _schedule(quantised),
        "record": _record(quantised, record),
        "weights": _weights(quantised, config.core.lanes),
        "populations": _descriptors(order, populations, config),
        "phases": _phases(order, quantised.phases),
        "projections": _targets(quantised, populations, projections, config.core.lanes),
        "sources": _sources(quantised),
    }
    if config.core.fields.kept(Per.NEURON):
        columns["neurons"] = _parameters(quantised, populations, config)
    known = regions(config)
    images = {name: pack_rows(known[name].layout, column) for name, column in columns.items()}
    return Program(config, images, tuple(populations.values()), tuple(projections))


def _target(target: str | Target) -> Target:
    if isinstance(target, Target):
        return target
    if target not in TARGETS:
        raise MappingError(f"There is no target {target!r}; there are {', '.join(TARGETS)}")
    return TARGETS[target]


def _populations(quantised: QuantisedNetwork, lanes: int) -> dict[str, PlacedPopulation]:
    """Give each population its source number and, if it has neurons, its rows."""
    placed, row = {}, 0
    for source, population in enumerate(quantised.populations):
        at = None
        if population.neuron is not None:
            at, row = row, row + -(-population.size // lanes)
        fraction = population.neuron.shift if population.neuron else 0
        placed[population.name] = PlacedPopulation(
            population.name, population.size, source, at, population.scale, fraction
        )
    return placed


def _by_source(quantised: QuantisedNetwork) -> list[int]:
    """Order of the projections by source."""
    names = [p.name for p in quantised.populations]
    chosen = range(len(quantised.projections))
    return sorted(chosen, key=lambda k: names.index(quantised.projections[k].source))


def _projections(quantised: QuantisedNetwork, lanes: int) -> list[PlacedProjection]:
    placed, row = [], 0
    for k in _by_source(quantised):
        projection = quantised.projections[k]
        pre, post = projection.weights.shape
        placed.append(PlacedProjection(projection.source, projection.target, (pre, post), row))
        row += pre * -(-post // lanes)
    return placed


def _weights(quantised: QuantisedNetwork, lanes: int) -> np.ndarray:
    """Rows of weights: for each presynaptic neuron its postsynaptic neurons, filled up with 0."""
    parts = [np.zeros((0, lanes), np.int64)]
    for k in _by_source(quantised):
        weights = quantised.projections[k].weights
        padded = np.pad(weights, ((0, 0), (0, -weights.shape[1] % lanes)))
        parts.append(padded.reshape(-1, lanes))
    return np.concatenate(parts)


def _targets(
    quantised: QuantisedNetwork,
    populations: dict[str, PlacedPopulation],
    projections: list[PlacedProjection],
    lanes: int,
) -> dict[str, np.ndarray]:
    return {
        "weight_row": np.array([p.weight_row for p in projections], int),
        "row": np.array([populations[p.target].row for p in projections], int),
        "blocks": np.array([-(-p.shape[1] // lanes) for p in projections], int),
        "size": np.array([p.shape[1] for p in projections], int),
    }


def _sources(quantised: QuantisedNetwork) -> dict[str, np.ndarray]:
    counts = np.array([len(quantised.projections_from(p.name)) for p in quantised.populations])
    first = np.where(counts > 0, np.cumsum(counts) - counts, 0)
    return {
        "first": first,
        "count": counts,
        "size": np.array([p.size for p in quantised.populations]),
    }


def _descriptors(
    order: list[QuantisedPopulation], populations: dict[str, PlacedPopulation], config: ChipConfig
) -> dict[str, np.ndarray]:
    width = config.core.update_lanes
    tails = [p.size % width or width for p in order]
    columns = {
        "row": [populations[p.name].row for p in order],
        "last_group": [-(-p.size // width) - 1 for p in order],
        "tail": [(1 << tail) - 1 for tail in tails],
        "source": [populations[p.name].source for p in order],
    }
    for name in config.core.fields.kept(Per.POPULATION):
        columns[name] = [int(field_values(p, name)[0]) for p in order]
    return {name: np.array(column, np.int64) for name, column in columns.items()}


def _phases(order: list[QuantisedPopulation], phases: dict[str, int]) -> dict[str, np.ndarray]:
    count = np.bincount([phases[p.name] for p in order])
    return {"first": np.cumsum(count) - count, "count": count}


def _parameters(
    quantised: QuantisedNetwork, populations: dict[str, PlacedPopulation], config: ChipConfig
) -> dict[str, np.ndarray]:
    """Parameters kept per neuron, in the order of the neurons' rows."""
    lanes = config.core.lanes
    rows = sum(-(-p.size // lanes) for p in quantised.neurons)
    columns = {}
    for name in config.core.fields.kept(Per.NEURON):
        column = np.zeros(rows * lanes, np.int64)
        for population in quantised.neurons:
            first = (populations[population.name].row or 0) * lanes
            column[first : first + population.size] = field_values(population, name)
        columns[name] = column.reshape(-1, config.core.update_lanes)
    return columns


def _schedule(quantised: QuantisedNetwork) -> dict[str, np.ndarray]:
    phases = np.arange(max(quantised.phases.values()) + 1)
    return {
        "operation": np.full(len(phases), Operation.UPDATE.value),
        "phase": phases,
        "last": (phases == phases[-1]).astype(int),
    }


def _record(quantised: QuantisedNetwork, names: tuple[str, ...] | None) -> np.ndarray:
    """Bits of the sources whose spikes the host receives."""
    wanted = {p.name for p in quantised.neurons} if names is None else set(names)
    for name in wanted:
        quantised.population(name)
    bits = np.array([p.name in wanted for p in quantised.populations], np.int64)
    return np.pad(bits, (0, -len(bits) % 64)).reshape(-1, 32)
