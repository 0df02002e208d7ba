"""From a quantised network to the program of one core, or of several."""

from dataclasses import replace

from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.packing import pack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core, regions
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..room import Arrangement, RoomError
from ..structure import check_fit, structure
from .arrangement import arrangements, existing
from .filters import tree_filters
from .learning import check_learning, learning_config, learning_tables
from .pins import Pins, as_pins
from .plan import Plan
from .spreading import Spreading
from .tables import population_tables, projection_tables, shared_tables

__all__ = ["place"]


def place(
    quantised: QuantisedNetwork,
    target: str | Target | ChipConfig = "generic-16",
    *,
    record: tuple[str, ...] | None = None,
    cores: int | None = None,
    chips: int | None = None,
    pins: Pins | None = None,
) -> Program:
    """Place a network on cores; the parameters are those of :func:`spikeloom.flow.compile`.

    Raises
    ------
    MappingError
        If the target does not exist or the network does not fit.
    """
    pinned = as_pins(pins, quantised)
    if isinstance(target, ChipConfig):
        arrangement = existing(target, cores, chips)
        spreading = Spreading(quantised, target.core.lanes, target.core.update_lanes, pinned)
        return _program(_fit(spreading, target, arrangement), target, record)
    shape = _target(target)
    spreading = Spreading(quantised, shape.lanes, shape.update_lanes, pinned)
    most = (cores or shape.cores) * (chips or shape.chips)
    least = 1 + max((core for some in pinned.values() for core in some), default=0)
    failure: RoomError | None = None
    for arrangement in arrangements(shape, cores, chips, least):
        part = shape.share(arrangement.cores)
        room = spreading.room(part.neuron_rows, part.weight_rows, part.synapse_rows)
        if arrangement.count > 1:
            spreading.check_pieces(room, f"target {shape.name!r}")
            if arrangement.count < min(spreading.least(room), most):
                continue
        for plan in spreading.plans(arrangement.count, room):
            learning = learning_config(plan, part.update_lanes, fixed=part.fixed_rules)
            needs = plan.needs(part.update_lanes)
            try:
                config = structure(quantised, needs, part, learning, arrangement)
            except RoomError as error:
                failure = error
            else:
                return _program(plan, config, record)
    assert failure is not None
    raise failure


def _fit(spreading: Spreading, config: ChipConfig, arrangement: Arrangement) -> Plan:
    """Find a plan for hardware that exists already."""
    core = config.core
    room = spreading.room(core.neuron_rows, core.weight_rows, core.synapse_rows)
    failure: RoomError | None = None
    for cuts in (True, False) if core.bases else (False,):
        for plan in spreading.plans(arrangement.count, room, cuts=cuts):
            try:
                check_fit(spreading.quantised, plan.needs(core.update_lanes), config)
            except RoomError as error:
                failure = failure or error
            else:
                check_learning(plan, core)
                return plan
    assert failure is not None
    raise failure


def _program(plan: Plan, config: ChipConfig, record: tuple[str, ...] | None) -> Program:
    """Fill the memories."""
    columns = shared_tables(plan, record)
    for part in plan.cores:
        tables = {
            **population_tables(part, config),
            **projection_tables(part, config),
            **learning_tables(part, config.core),
        }
        columns |= {on_core(name, part.core): table for name, table in tables.items()}
    known = regions(config)
    images = {
        name: pack_rows(region.layout, columns[name])
        for name, region in known.items()
        if name in columns
    }
    network = plan.quantised.fingerprint
    program = Program(config, images, plan.populations, plan.projections, network)
    filters = tree_filters(program)
    images |= {name: pack_rows(known[name].layout, bits) for name, bits in filters.items()}
    return replace(program, images=images)


def _target(target: str | Target) -> Target:
    if isinstance(target, Target):
        return target
    if target not in TARGETS:
        raise MappingError(f"There is no target {target!r}; there are {', '.join(TARGETS)}")
    return TARGETS[target]
