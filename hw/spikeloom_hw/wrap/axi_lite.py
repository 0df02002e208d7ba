"""A slave of AXI4-Lite: five channels outside, one stream of accesses inside."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Member, Out

from .responder import access_layout, outcome_layout

__all__ = ["AxiLite", "axi_lite_members"]

_SLVERR = 0b10


def axi_lite_members(bits: int) -> dict[str, Member]:
    """Signals of a slave with ``bits`` address bits and 32 data bits, named as in AXI."""
    return {
        "awaddr": In(bits),
        "awprot": In(3),
        "awvalid": In(1),
        "awready": Out(1),
        "wdata": In(32),
        "wstrb": In(4),
        "wvalid": In(1),
        "wready": Out(1),
        "bresp": Out(2),
        "bvalid": Out(1),
        "bready": In(1),
        "araddr": In(bits),
        "arprot": In(3),
        "arvalid": In(1),
        "arready": Out(1),
        "rdata": Out(32),
        "rresp": Out(2),
        "rvalid": Out(1),
        "rready": In(1),
    }


class AxiLite(wiring.Component):
    """Take writes and reads in turns, one at a time, and answer each once.

    Address and data of a write may come in either order. All outputs are registers or depend on
    registers alone. The low two address bits and the protection bits are not looked at.

    Parameters
    ----------
    bits : int
        Address bits.

    Members
    -------
    awaddr, awprot, awvalid, ..., rready
        See :func:`axi_lite_members`.
    accesses : Out(stream.Signature(access_layout(bits)))
        Accesses; the next one comes after the outcome of the one before.
    outcomes : In(stream.Signature(outcome_layout(), always_ready=True))
        What became of each.
    """

    awaddr: Signal
    awvalid: Signal
    awready: Signal
    wdata: Signal
    wstrb: Signal
    wvalid: Signal
    wready: Signal
    bresp: Signal
    bvalid: Signal
    bready: Signal
    araddr: Signal
    arvalid: Signal
    arready: Signal
    rdata: Signal
    rresp: Signal
    rvalid: Signal
    rready: Signal
    accesses: stream.Interface
    outcomes: stream.Interface

    def __init__(self, bits: int) -> None:
        super().__init__({
            **axi_lite_members(bits),
            "accesses": Out(stream.Signature(access_layout(bits))),
            "outcomes": In(stream.Signature(outcome_layout(), always_ready=True)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the slave."""
        m = Module()

        # One address and one word wait in each direction, until it is their turn.
        address, target = Signal.like(self.awaddr), Signal.like(self.araddr)
        word, strobes = Signal.like(self.wdata), Signal.like(self.wstrb)
        taken = [
            (self.awvalid, self.awready, [(address, self.awaddr)]),
            (self.wvalid, self.wready, [(word, self.wdata), (strobes, self.wstrb)]),
            (self.arvalid, self.arready, [(target, self.araddr)]),
        ]
        held = []
        for valid, ready, pairs in taken:
            full = Signal(name=f"{ready.name}_held")
            held.append(full)
            m.d.comb += ready.eq(~full)
            with m.If(valid & ready):
                m.d.sync += full.eq(1)
                m.d.sync += [kept.eq(new) for kept, new in pairs]
        has_address, has_word, has_target = held

        # An access begins when there is room for its answer; the direction served last yields.
        wrote, write, read = Signal(), Signal(), Signal()
        access = self.accesses.payload
        writable = has_address & has_word & ~self.bvalid
        readable = has_target & ~self.rvalid
        m.d.comb += [
            write.eq(~self.accesses.valid & writable & ~(readable & wrote)),
            read.eq(~self.accesses.valid & readable & ~write),
        ]
        with m.If(write | read):
            m.d.sync += [
                self.accesses.valid.eq(1),
                wrote.eq(write),
                access.write.eq(write),
                access.whole.eq(strobes.all()),
                access.data.eq(word),
            ]
        with m.If(write):
            m.d.sync += [access.address.eq(address), has_address.eq(0), has_word.eq(0)]
        with m.If(read):
            m.d.sync += [access.address.eq(target), has_target.eq(0)]

        self._answer(m)
        return m

    def _answer(self, m: Module) -> None:
        """Answer on the channel of the access, and wait there until the master takes it."""
        with m.If(self.accesses.ready):
            m.d.sync += self.accesses.valid.eq(0)
        with m.If(self.bready):
            m.d.sync += self.bvalid.eq(0)
        with m.If(self.rready):
            m.d.sync += self.rvalid.eq(0)
        outcome = self.outcomes.payload
        response = Signal(2)
        with m.If(outcome.failed):
            m.d.comb += response.eq(_SLVERR)
        with m.If(self.outcomes.valid & self.accesses.payload.write):
            m.d.sync += [self.bvalid.eq(1), self.bresp.eq(response)]
        with m.If(self.outcomes.valid & ~self.accesses.payload.write):
            m.d.sync += [
                self.rvalid.eq(1),
                self.rresp.eq(response),
                self.rdata.eq(outcome.data),
            ]
