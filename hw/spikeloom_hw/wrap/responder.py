"""The responder: every access of a bus gets one answer, which tells whether it failed."""

from typing import Any

from amaranth.hdl import Const, Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..link import request_layout
from ..registers import Register
from ..window import Window

__all__ = ["Responder", "access_layout", "outcome_layout"]

_AT_ONCE = 8
"""Registers below this address are answered at once."""


def access_layout(bits: int) -> data.StructLayout:
    """Access of a bus at a byte address of ``bits`` bits; ``whole`` if it is of all four bytes."""
    return data.StructLayout({"write": 1, "whole": 1, "address": bits, "data": 32})


def outcome_layout() -> data.StructLayout:
    """What became of an access: what was read, and whether it failed."""
    return data.StructLayout({"data": 32, "failed": 1})


class Responder(wiring.Component):
    """Pass accesses on to the system block, one at a time, and answer each of them once.

    An access fails if no register or memory is at its address, or if it writes part of a word;
    such a write changes nothing. An access to a memory, or to a register from ERRORS on, keeps
    event words out until it is done, as the memories serve either the host or the events.

    Parameters
    ----------
    window : Window
        Byte addresses.

    Members
    -------
    i : In(stream.Signature(access_layout(window.bits)))
        Accesses; taken when they are answered.
    o : Out(stream.Signature(outcome_layout(), always_ready=True))
        Answers, one for each access.
    requests : Out(stream.Signature(request_layout()))
        Accesses for the system block.
    responses : In(stream.Signature(unsigned(32)))
        What was read.
    unknown : In(1)
        The access that is under way is to an address that does not exist.
    hold : Out(1)
        No event word may come.
    held : In(1)
        None comes.
    """

    i: stream.Interface
    o: stream.Interface
    requests: stream.Interface
    responses: stream.Interface
    unknown: Signal
    hold: Signal
    held: Signal

    def __init__(self, window: Window) -> None:
        self.window = window
        super().__init__({
            "i": In(stream.Signature(access_layout(window.bits))),
            "o": Out(stream.Signature(outcome_layout(), always_ready=True)),
            "requests": Out(stream.Signature(request_layout())),
            "responses": In(stream.Signature(unsigned(32))),
            "unknown": In(1),
            "hold": Out(1),
            "held": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the responder."""
        m = Module()
        access = self.i.payload
        address = self.window.address(access.address)
        m.d.comb += [
            self.requests.payload.address.eq(address),
            self.requests.payload.write.eq(access.write),
            self.requests.payload.data.eq(access.data),
            self.responses.ready.eq(1),
        ]

        # The system block takes every address below 256 for a register.
        offset = address[:8]
        named: Any = Const(0)
        for register in Register:
            named = named | (offset == register.value)
        inside, unnamed, at_once = Signal(), Signal(), Signal()
        m.d.comb += [
            inside.eq(~address[8:].any()),
            unnamed.eq(inside & ~named),
            at_once.eq(inside & (offset < _AT_ONCE)),
        ]

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [
                    self.o.payload.data.eq(0),
                    self.o.payload.failed.eq(unnamed | (access.write & ~access.whole)),
                    self.hold.eq(self.i.valid & ~at_once),
                ]
                with m.If(self.i.valid):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                with m.If(self.o.payload.failed):
                    m.next = "ANSWER"
                with m.Elif(~self.hold | self.held):
                    m.next = "ASK"

            # A read is answered before it is taken.
            with m.State("ASK"):
                m.d.comb += self.requests.valid.eq(1)
                with m.If(self.unknown):
                    m.d.sync += self.o.payload.failed.eq(1)
                with m.If(self.responses.valid):
                    m.d.sync += self.o.payload.data.eq(self.responses.payload)
                with m.If(self.requests.ready):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.sync += self.hold.eq(0)
                m.d.comb += [self.o.valid.eq(1), self.i.ready.eq(1)]
                m.next = "IDLE"

        return m
