"""Plans of a network on several cores, from the best to the most frugal."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np

from spikeloom_hw.config import CoreConfig
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from .assignment import assign
from .cutting import kept_together
from .demand import Demand, demands
from .layout import lay_out
from .pins import check_pins
from .plan import Plan, make_plan
from .slicing import cut

__all__ = ["Spreading"]

_KINDS = ("rows of neurons", "rows of weights", "rows of sparse synapses")


class Spreading:
    """Spreads a network over cores.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    lanes, update_lanes : int
        Lanes of a core.
    pins : Mapping of str to tuple of int
        Cores that populations are bound to.
    """

    def __init__(
        self,
        quantised: QuantisedNetwork,
        lanes: int,
        update_lanes: int,
        pins: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.quantised = quantised
        self.lanes = lanes
        self.update_lanes = update_lanes
        self.pins = pins
        self.populations = lay_out(quantised, lanes)
        self.together = kept_together(quantised)

    @cached_property
    def demands(self) -> dict[str, Demand]:
        """What every population of neurons asks for."""
        return demands(self.quantised, self.populations, self.lanes, self.update_lanes)

    def room(self, neuron_rows: int, weight_rows: int, synapse_rows: int) -> np.ndarray:
        """Room of a core: rows of neurons, weights and synapses, as far as they have addresses."""
        width = min((w for w in (2, 4, 8, 16) if w >= self.quantised.weight_width), default=16)
        core = CoreConfig(lanes=self.lanes, update_lanes=self.update_lanes, weight_width=width)
        return np.array([neuron_rows, min(weight_rows, core.most_weight_rows), synapse_rows])

    def least(self, room: np.ndarray) -> int:
        """Number of cores below which there cannot be enough room."""
        every = self.demands.values()
        total = np.sum([d.room * d.pieces + d.fixed for d in every], axis=0)
        return max(1, int((-(-total // np.maximum(1, room))).max()))

    def check_pieces(self, room: np.ndarray, hardware: str) -> None:
        """Check that no population needs more on one core than it has.

        Raises
        ------
        MappingError
            If one does, so that no number of cores is enough.
        """
        groups = [*self.together, *([n] for n in self.demands if self._alone(n))]
        for group in groups:
            cuts = len(group) == 1 and self._alone(group[0])
            asked = [self.demands[name] for name in group]
            needed = np.sum([d.room * (1 if cuts else d.pieces) + d.fixed for d in asked], axis=0)
            for what, wanted, there in zip(_KINDS, needed, room, strict=True):
                if wanted > there:
                    names = " and ".join(repr(name) for name in group)
                    raise MappingError(
                        f"Population {names} needs at least {wanted} {what} on one core, as it "
                        f"cannot be cut further, {wanted - there} more than a core of {hardware} "
                        f"has, {there}; choose a larger target or a smaller network"
                    )

    def plans(self, cores: int, room: np.ndarray, *, cuts: bool = True) -> Iterator[Plan]:
        """Give plans for so many cores: with equal work first, then with the fewest cuts.

        Parameters
        ----------
        cores : int
            How many cores there are.
        room : (3,) int array
            What :meth:`room` says of them.
        cuts : bool
            Whether populations may be cut at all.
        """
        if cores == 1:
            yield self.whole(int(room[2]))
            return
        together: Sequence[Sequence[str]] = self.together
        if not cuts:
            together = [*together, *([n] for n in self.demands if self._alone(n))]
        check_pins(self.pins, self.demands, together)
        for packed in (False, True):
            pieces = assign(self.demands, together, cores, room=room, pins=self.pins, packed=packed)
            placed = cut(self.populations, pieces, self.lanes)
            yield make_plan(self.quantised, placed, self.lanes, cores, int(room[2]))

    def whole(self, synapse_rows: int) -> Plan:
        """Plan on one core, with so many rows of sparse synapses for what they want spare."""
        pieces = {p.name: [(0, 1)] for p in self.quantised.neurons}
        placed = cut(self.populations, pieces, self.lanes, whole=True)
        return make_plan(self.quantised, placed, self.lanes, 1, synapse_rows)

    def _alone(self, name: str) -> bool:
        return not any(name in group for group in self.together)
