"""How the learning engine sits in a core."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import connect

from ..event import Operation
from .port import serve_reads, serve_writes

__all__ = ["attach", "share_steps"]


def attach(
    m: Module, engine: Any, memories: Mapping[str, Any], jobs: stream.Interface, update: Any
) -> None:
    """Connect an engine to what it alone needs, and let it see who fires.

    Parameters
    ----------
    m : Module
        Module to build in.
    engine : Learn
        The engine.
    memories : mapping of str to component
        Memories of the core.
    jobs : stream of job_layout(config)
        What leaves the dispatcher: presynaptic spikes.
    update : Update
        What tells of postsynaptic spikes, and of time.
    """
    job: Any = jobs.payload
    m.d.sync += [
        engine.mark.eq(jobs.valid & jobs.ready & ~job.step & job.plastic),
        engine.neuron.eq(job.neuron),
    ]
    m.d.comb += [
        memories["clock"].advance.eq(update.ended),
        engine.word.eq(memories["clock"].word),
        engine.fired.eq(update.fired),
        engine.fired_group.eq(update.fired_group),
        engine.fired_bits.eq(update.fired_bits),
        engine.clear.eq(update.clearing),
        engine.cleared.eq(update.cleared),
    ]
    for name in ("rules", "pre", "post", "eligibility", "epochs"):
        if name in memories:
            memory, port = memories[name], getattr(engine, name)
            serve_reads(m, memory, port)
            if "write" in port.signature.members:
                serve_writes(m, memory, port)


def share_steps(m: Module, steps: Any, update: Any, engine: Any) -> tuple[Value, Value]:
    """Give steps to the update or to the engine, if there is one.

    Returns
    -------
    tuple of Value
        A step is done that END answers; and the engine is busy.
    """
    if not engine:
        connect(m, steps, update.i)
        return update.finished, Const(0)
    learns, begun = Signal(), Signal()
    m.d.comb += [
        learns.eq(steps.payload.operation == Operation.LEARN),
        engine.start.eq(steps.valid & learns & ~begun),
        update.i.payload.eq(steps.payload),
        update.i.valid.eq(steps.valid & ~learns),
        steps.ready.eq(Mux(learns, engine.done, update.i.ready)),
    ]
    m.d.sync += begun.eq(steps.valid & learns & ~engine.done)
    return update.finished | engine.done, engine.busy
