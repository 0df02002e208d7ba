"""A slave of Wishbone B4 in its standard (classic) mode."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Member, Out

from .responder import access_layout, outcome_layout

__all__ = ["Wishbone", "wishbone_members"]


def wishbone_members(bits: int) -> dict[str, Member]:
    """Signals of a slave with ``bits`` byte address bits and 32 data bits, named as in B4."""
    return {
        "cyc_i": In(1),
        "stb_i": In(1),
        "we_i": In(1),
        "adr_i": In(bits),
        "sel_i": In(4),
        "dat_i": In(32),
        "dat_o": Out(32),
        "ack_o": Out(1),
        "err_o": Out(1),
    }


class Wishbone(wiring.Component):
    """Answer each cycle of the bus by ACK or ERR, for one clock cycle.

    A cycle that the master abandons is carried out, but not answered. The low two address bits
    are not looked at.

    Parameters
    ----------
    bits : int
        Address bits.

    Members
    -------
    cyc_i, stb_i, we_i, adr_i, sel_i, dat_i, dat_o, ack_o, err_o
        See :func:`wishbone_members`.
    accesses : Out(stream.Signature(access_layout(bits)))
        Accesses; the next one comes after the outcome of the one before.
    outcomes : In(stream.Signature(outcome_layout(), always_ready=True))
        What became of each.
    """

    cyc_i: Signal
    stb_i: Signal
    we_i: Signal
    adr_i: Signal
    sel_i: Signal
    dat_i: Signal
    dat_o: Signal
    ack_o: Signal
    err_o: Signal
    accesses: stream.Interface
    outcomes: stream.Interface

    def __init__(self, bits: int) -> None:
        super().__init__({
            **wishbone_members(bits),
            "accesses": Out(stream.Signature(access_layout(bits))),
            "outcomes": In(stream.Signature(outcome_layout(), always_ready=True)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the slave."""
        m = Module()
        asked, answered, failed, waited = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            asked.eq(self.cyc_i & self.stb_i),
            self.ack_o.eq(answered & ~failed & asked),
            self.err_o.eq(answered & failed & asked),
        ]

        # The cycle of an answer is not yet the next access.
        access = self.accesses.payload
        with m.If(asked & ~answered & ~self.accesses.valid):
            m.d.sync += [
                self.accesses.valid.eq(1),
                access.write.eq(self.we_i),
                access.whole.eq(self.sel_i.all()),
                access.address.eq(self.adr_i),
                access.data.eq(self.dat_i),
                waited.eq(1),
            ]
        with m.Elif(self.accesses.valid & self.accesses.ready):
            m.d.sync += self.accesses.valid.eq(0)

        # A master that did not wait does not get the answer.
        with m.If(self.accesses.valid & ~asked):
            m.d.sync += waited.eq(0)
        m.d.sync += [
            answered.eq(self.outcomes.valid & waited & asked),
            failed.eq(self.outcomes.payload.failed),
        ]
        with m.If(self.outcomes.valid):
            m.d.sync += self.dat_o.eq(self.outcomes.payload.data)

        return m
