"""From a quantised network to the program of one core."""

from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.packing import pack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..structure import check_fit, structure
from .learning import check_learning, learning_config, learning_tables, place_entries
from .plan import make_plan
from .tables import network_tables, projection_tables

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
        Populations whose events the host receives; None means all but the inputs.

    Raises
    ------
    MappingError
        If the target does not exist or the network does not fit.
    """
    if isinstance(target, ChipConfig):
        config = target
        plan = make_plan(quantised, config.core.lanes)
        check_fit(quantised, plan.needs(config.core.update_lanes), config)
        check_learning(plan, config.core)
    else:
        shape = _target(target)
        plan = make_plan(quantised, shape.lanes)
        learning = learning_config(plan, shape.update_lanes, fixed=shape.fixed_rules)
        config = structure(quantised, plan.needs(shape.update_lanes), shape, learning)
    columns = {
        **network_tables(plan, config, record),
        **projection_tables(plan, config),
        **learning_tables(plan, config.core),
    }
    placed = place_entries(plan)
    images = {
        name: pack_rows(region.layout, columns[name])
        for name, region in regions(config).items()
        if name in columns
    }
    populations = tuple(plan.populations.values())
    return Program(config, images, populations, placed, quantised.fingerprint)


def _target(target: str | Target) -> Target:
    if isinstance(target, Target):
        return target
    if target not in TARGETS:
        raise MappingError(f"There is no target {target!r}; there are {', '.join(TARGETS)}")
    return TARGETS[target]
