"""The order of things in a LEARN: entries, and the passes of each."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from .layout import built
from .row_pass_kind import PassKind

__all__ = ["Sequence"]


class Sequence(wiring.Component):
    """Go over the entries; let the passes of each that is enabled follow one another.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core that learns.

    Members
    -------
    start : In(1)
        Begin with the first entry.
    number : Out(range(entries))
        The entry.
    load : Out(1)
        Load it.
    loaded : In(1)
        It is there, and so are the next three.
    enabled, back, last : In(1)
        It learns; it gives errors to its source; it is the last.
    post, post_done
        Begin the post pass; it is done.
    pre, backwards : Out(1)
        Begin the pre pass; with ``backwards`` for errors.
    still : In(1)
        The neurons of the pre pass are all done with.
    eligible, decays, rewarded : In(1)
        Changes wait for a reward; an epoch ends with this step; there is a reward. These and the
        next two are absent unless there may be eligibilities.
    sweeps : Out(1)
        With ``pre``: take all neurons.
    kind : Out(PassKind)
        What the row pass does with those that come.
    over : Out(1)
        The entry is done with.
    zero, zeroed
        Zero what holds for a step; that is done.
    done : Out(1)
        All is done.
    busy : Out(1)
        From the cycle after ``start`` until ``done``.
    """

    start: Signal
    number: Signal
    load: Signal
    loaded: Signal
    enabled: Signal
    back: Signal
    last: Signal
    post: Signal
    post_done: Signal
    pre: Signal
    backwards: Signal
    still: Signal
    eligible: Signal
    decays: Signal
    rewarded: Signal
    sweeps: Signal
    kind: Signal
    over: Signal
    zero: Signal
    zeroed: Signal
    done: Signal
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.learning = built(config)
        outputs = ("load", "post", "pre", "backwards", "over", "zero", "done", "busy")
        inputs = ("start", "loaded", "enabled", "back", "last", "post_done", "still", "zeroed")
        members = {
            **dict.fromkeys(inputs, In(1)),
            **dict.fromkeys(outputs, Out(1)),
            "number": Out(range(self.learning.entries)),
        }
        if self.learning.eligibility:
            members |= dict.fromkeys(("eligible", "decays", "rewarded"), In(1))
            members |= {"sweeps": Out(1), "kind": Out(PassKind)}
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        """Build the state machine."""
        m = Module()
        m.d.sync += self.done.eq(0)
        with m.FSM():
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += self.number.eq(0)
                m.next = "LOAD"

            # The entry is loaded.
            with m.State("LOAD"):
                m.d.comb += self.load.eq(1)
                m.next = "LOADING"
            with m.State("LOADING"), m.If(self.loaded):
                m.next = "NEXT"
                with m.If(self.enabled):
                    m.d.comb += self.post.eq(1)
                    m.next = "POST"

            # What the postsynaptic neurons have for it is known; then errors go back.
            with m.State("POST"), m.If(self.post_done):
                m.next = "PRE"
                if self.learning.back:
                    with m.If(self.back):
                        m.d.comb += [self.pre.eq(1), self.backwards.eq(1)]
                        m.next = "BACK"
            if self.learning.back:
                with m.State("BACK"), m.If(self.still):
                    m.next = "PRE"

            # Weights change.
            with m.State("PRE"):
                m.d.comb += self.pre.eq(1)
                m.next = "ROWS"
            with m.State("ROWS"), m.If(self.still):
                m.next = "ELIGIBLE" if self.learning.eligibility else "NEXT"
            if self.learning.eligibility:
                self._sweep(m)

            # The next entry, until the last; then what holds for a step is zeroed.
            with m.State("NEXT"):
                m.d.comb += self.over.eq(1)
                m.d.sync += self.number.eq(self.number + 1)
                m.next = "LOAD"
                with m.If(self.last):
                    m.d.comb += self.zero.eq(1)
                    m.next = "ZERO"
            with m.State("ZERO"), m.If(self.zeroed):
                m.d.sync += self.done.eq(1)
                m.next = "DONE"
            with m.State("DONE"):
                m.next = "IDLE"

        # Registers tell of both, as much of the core waits for them.
        with m.If(self.done):
            m.d.sync += self.busy.eq(0)
        with m.Elif(self.start):
            m.d.sync += self.busy.eq(1)
        return m

    def _sweep(self, m: Module) -> None:
        """Let eligibilities decay at the end of an epoch, and weights change by a reward."""
        with m.State("ELIGIBLE"):
            m.next = "NEXT"
            with m.If(self.eligible & self.decays):
                m.d.sync += self.kind.eq(PassKind.DECAY)
                m.next = "SWEEP"
            with m.Elif(self.eligible & self.rewarded):
                m.d.sync += self.kind.eq(PassKind.REWARD)
                m.next = "SWEEP"
        with m.State("SWEEP"):
            m.d.comb += [self.pre.eq(1), self.sweeps.eq(1)]
            m.next = "SWEEPING"
        with m.State("SWEEPING"), m.If(self.still):
            m.d.sync += self.kind.eq(PassKind.LEARN)
            m.next = "NEXT"
            with m.If((self.kind == PassKind.DECAY) & self.rewarded):
                m.d.sync += self.kind.eq(PassKind.REWARD)
                m.next = "SWEEP"
