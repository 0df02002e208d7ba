"""How an access of the host goes down the tree."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value

__all__ = ["hand_down"]


def hand_down(m: Module, system: Any, below: Signal) -> Value:
    """Add the states REMOTE and AWAIT to the system block; the answer of a read is ready in READ.

    Parameters
    ----------
    m : Module
        Module to build in, inside the state machine of the block.
    system : System
        The block.
    below : Signal
        In which child's subtree the address lies.

    Returns
    -------
    Value
        What was read last.
    """
    told, offered = Signal(32), Signal()
    request = system.requests.payload
    for k, port in enumerate(system.remote):
        m.d.comb += [port.payload.eq(request), port.valid.eq(offered & below[k])]
    gone = Cat(port.ready for port in system.remote) & below
    with m.State("REMOTE"):
        m.d.comb += offered.eq(1)
        with m.If(gone.any()):
            m.d.comb += system.requests.ready.eq(request.write)
            m.next = "IDLE"
            with m.If(~request.write):
                m.next = "AWAIT"
    with m.State("AWAIT"):
        for port in system.answers:
            with m.If(port.valid):
                m.d.comb += port.ready.eq(1)
                m.d.sync += told.eq(port.payload)
                m.next = "READ"
    return told
