"""A chip that is not the root of the tree."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..access import share
from ..cluster import Cluster
from ..config import ChipConfig
from ..gates import Gates
from ..settle import settle
from ..system import System
from .hang import hang
from .uplink import Uplink
from .words import connect_definite, link_layout

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
    link_errors : In(children)
        Links that have given up; the chip stops, and tells those above, until it is reset.
    link_reset : Out(1)
        The chip is reset: such links are to begin anew.
    renewed : In(1)
        The link to the parent begins anew: all that came over it is void.
    """

    down: stream.Interface
    up: stream.Interface
    to_child: Any
    from_child: Any
    link_errors: Signal
    link_reset: Signal
    renewed: Signal

    def __init__(self, config: ChipConfig, chip: int) -> None:
        self.config, self.chip = config, chip
        self.children = config.children(chip)
        word = stream.Signature(link_layout(config))
        members: dict[str, Any] = {"down": In(word), "up": Out(word), "renewed": In(1)}
        if self.children:
            members["to_child"] = Out(word).array(len(self.children))
            members["from_child"] = In(word).array(len(self.children))
            members |= {"link_errors": In(len(self.children)), "link_reset": Out(1)}
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Put the link in the place of the step control."""
        m = Module()
        config, below = self.config, len(self.children)
        uplink, system = Uplink(config), System(config, self.chip)
        cluster = Cluster(config, 1 + below, below, self.chip)
        given_up, lost = Signal(), Signal()
        m.d.comb += given_up.eq(uplink.reset | self.renewed)
        m.submodules.uplink = ResetInserter(self.renewed)(uplink)
        m.submodules.system = ResetInserter(self.renewed)(system)
        m.submodules.cluster = ResetInserter(given_up | lost)(cluster)
        connect(m, flipped(self.down), uplink.down)
        connect(m, uplink.up, flipped(self.up))
        connect(m, uplink.o, cluster.i[0])
        connect_definite(m, cluster.up, uplink.i)
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
            culprit = hang(m, self, ways, system, given_up)
            m.d.comb += [
                lost.eq(system.lost),
                uplink.lost.eq(lost),
                uplink.culprit.eq(culprit),
            ]
        share(m, system.access, blocks)

        # What the system block sees; all has to be still for some cycles.
        still = Signal()
        m.d.sync += [
            still.eq((uplink.idle & cluster.idle & cluster.activity.idle) | lost),
            system.stepping.eq(uplink.stepping),
        ]
        settle(m, system.idle, ~still | uplink.o.valid)
        m.d.comb += [
            system.word.eq(uplink.word),
            system.done.eq(uplink.done),
            system.steps.eq(uplink.steps),
            system.activity.eq(cluster.activity),
        ]

        return m
