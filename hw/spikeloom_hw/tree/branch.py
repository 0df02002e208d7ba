"""A chip that is not the root of the tree."""

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..access import share
from ..cluster import Cluster
from ..config import ChipConfig
from ..gates import Gates
from ..system import System
from .hang import hang
from .uplink import Uplink
from .words import link_layout

__all__ = ["Branch"]


class Branch(wiring.Component):
    """Cores, registers, and links to the parent and to children; time comes from above.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips.
    chip : int
        Number of this one, above 0.

    Members
    -------
    down : In(stream.Signature(link_layout(config)))
        Words of the parent.
    up : Out(stream.Signature(link_layout(config)))
        Words for the parent.
    to_child : Out(stream.Signature(link_layout(config))).array(children)
        Words for each child; absent if there is none, as the next is.
    from_child : In(stream.Signature(link_layout(config))).array(children)
        Words of each child.
    """

    down: stream.Interface
    up: stream.Interface
    to_child: Any
    from_child: Any

    def __init__(self, config: ChipConfig, chip: int) -> None:
        self.config, self.chip = config, chip
        self.children = config.children(chip)
        word = stream.Signature(link_layout(config))
        members: dict[str, Any] = {"down": In(word), "up": Out(word)}
        if self.children:
            members["to_child"] = Out(word).array(len(self.children))
            members["from_child"] = In(word).array(len(self.children))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Put the link in the place of the step control."""
        m = Module()
        config, below = self.config, len(self.children)
        m.submodules.uplink = uplink = Uplink(config)
        m.submodules.system = system = System(config, self.chip)
        cluster = Cluster(config, 1 + below, below, self.chip)
        m.submodules.cluster = ResetInserter(uplink.reset)(cluster)
        connect(m, flipped(self.down), uplink.down)
        connect(m, uplink.up, flipped(self.up))
        connect(m, uplink.o, cluster.i[0])
        connect(m, cluster.up, uplink.i)
        connect(m, uplink.requests, system.requests)
        connect(m, system.responses, uplink.answers)

        # Children hear what passes on the bus.
        blocks = [cluster.access]
        if below:
            m.submodules.gates = gates = Gates(config, self.chip)
            blocks.append(gates.access)
            gates.listen(m, cluster)
            m.d.comb += cluster.wanted.eq(gates.wanted)
            ways = [(cluster.o[k], cluster.i[1 + k]) for k in range(below)]
            for k, port in enumerate(hang(m, config, ways, system, uplink.reset)):
                connect(m, port.down, flipped(self.to_child[k]))
                connect(m, flipped(self.from_child[k]), port.up)
        share(m, system.access, blocks)

        # What the system block sees; all has to be still for some cycles.
        still, settled = Signal(), Signal(2)
        m.d.sync += [
            still.eq(uplink.idle & cluster.idle & cluster.activity.idle),
            settled.eq(Mux(settled == 3, 3, settled + 1)),
            system.idle.eq(settled == 3),
            system.stepping.eq(uplink.stepping),
        ]
        with m.If(~still | uplink.o.valid):
            m.d.sync += [settled.eq(0), system.idle.eq(0)]
        m.d.comb += [
            system.word.eq(uplink.word),
            system.done.eq(uplink.done),
            system.steps.eq(uplink.steps),
            system.activity.eq(cluster.activity),
        ]

        return m
