"""The fabric: cores, event bus and step control, behind streams of event words."""

from typing import Any

from amaranth.hdl import Const, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature, decode, share
from .activity import chip_activity_layout
from .cluster import Cluster
from .config import ChipConfig
from .control import StepControl
from .ends import Ends
from .event import Kind, Operation, event_layout
from .gates import Gates
from .link import word_layout
from .memory import RowMem
from .queue import Queue
from .recorder import Recorder
from .registers import FABRIC, regions
from .settle import settle
from .skid import Skid

__all__ = ["Fabric"]


class Fabric(wiring.Component):
    """Everything behind the host port: event words in, event words out, and host access.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.

    Members
    -------
    i_words : In(stream.Signature(unsigned(32)))
        Event words of the host: spikes, graded events, and steps that advance time.
    o_words : Out(stream.Signature(word_layout()))
        Recorded events, and the account of each step.
    access : In(AccessSignature())
        Host access to all memories.
    clear : In(1)
        Zero all states.
    idle : Out(1)
        Nothing has been under way for some cycles, and no word came in the last one.
    stepping, word, done, recorded, bad_word : Out(1)
        What happens in this cycle; see :class:`~spikeloom_hw.system.System`.
    steps : Out(32)
        Time steps done.
    activity : Out(chip_activity_layout(config))
        What the cores do.
    falling : Out(stream.Signature(event_layout(value_width))).array(children)
        Events for each child of the chip; absent if there is none, as the next is.
    rising : In(stream.Signature(event_layout(value_width))).array(children)
        Events of each child.
    """

    i_words: stream.Interface
    o_words: stream.Interface
    access: Any
    clear: Signal
    idle: Signal
    stepping: Signal
    word: Signal
    done: Signal
    recorded: Signal
    bad_word: Signal
    steps: Signal
    activity: Any
    falling: Any
    rising: Any

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        self.below = len(config.children(0))
        members: dict[str, Any] = {}
        if self.below:
            event = stream.Signature(event_layout(config.core.value_width))
            members["falling"] = Out(event).array(self.below)
            members["rising"] = In(event).array(self.below)
        super().__init__({
            **members,
            "i_words": In(stream.Signature(unsigned(32))),
            "o_words": Out(stream.Signature(word_layout())),
            "access": In(AccessSignature()),
            "clear": In(1),
            "idle": Out(1),
            "stepping": Out(1),
            "word": Out(1),
            "done": Out(1),
            "recorded": Out(1),
            "bad_word": Out(1),
            "steps": Out(32),
            "activity": Out(chip_activity_layout(config)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Connect control and recorder to the cluster."""
        m = Module()
        config = self.config
        m.submodules.control = control = StepControl(config.core, checked=config.filtered)
        m.submodules.cluster = cluster = Cluster(config, 1 + self.below, 1 + self.below)
        m.submodules.recorder = recorder = Recorder(config.core)
        m.submodules.ends = ends = Ends(config.cores + self.below)

        # Words of the host wait in a queue, if there is one, until the control takes them.
        waiting = self._wait(m, control)
        m.d.comb += control.clear.eq(self.clear)

        # Control and cores speak on the bus; cores, recorder and control listen.
        under_way = self._border(m, control.o, cluster.i[0], "spoken")
        self._border(m, recorder.o, flipped(self.o_words), "told")
        connect(m, cluster.o[0], recorder.i)
        taken: Any = cluster.taken.payload
        m.d.comb += [
            cluster.wanted[0].eq(self._recorded(cluster.passing.payload)),
            ends.end.eq(cluster.taken.valid & (taken.kind == Kind.END)),
            control.end.eq(ends.last),
        ]
        blocks = [cluster.access]
        if self.below:
            m.submodules.gates = gates = Gates(config, 0)
            gates.listen(m, cluster)
            blocks.append(gates.access)
            m.d.comb += cluster.wanted[1:].eq(gates.wanted)
            for k in range(self.below):
                connect(m, cluster.o[1 + k], flipped(self.falling[k]))
                connect(m, flipped(self.rising[k]), cluster.i[1 + k])
        self._tables(m, control, recorder, blocks)

        # What the system block sees. The cores' part of idleness may be late, so all has to be
        # still for some cycles; what comes in is seen at once.
        still = Signal()
        held = waiting | under_way | ~cluster.idle | ~cluster.activity.idle
        m.d.sync += still.eq(control.idle & ~held)
        settle(m, self.idle, ~still | self.i_words.valid | self.clear)
        m.d.comb += [
            self.word.eq(control.i.valid & control.i.ready),
            self.done.eq(cluster.taken.valid & self._is_done(taken)),
            self.recorded.eq(recorder.recorded),
            self.bad_word.eq(control.bad_word),
            self.steps.eq(control.steps),
            self.activity.eq(cluster.activity),
        ]

        # What several cores do is known a cycle later.
        if config.filtered:
            m.d.sync += self.stepping.eq(control.stepping)
            stray = cluster.activity.bad_source | control.bad_source
            m.d.comb += self.activity.bad_source.eq(stray)
        else:
            m.d.comb += self.stepping.eq(control.stepping)

        return m

    def _border(self, m: Module, source: Any, sink: Any, name: str) -> Value:
        """Connect two streams, through registers if cores lie far from all else; tell what waits.

        A chip of one core is small.
        """
        if not self.config.filtered:
            connect(m, source, sink)
            return Const(0)
        m.submodules[name] = skid = Skid(source.payload.shape())
        connect(m, source, skid.i)
        connect(m, skid.o, sink)
        return skid.o.valid

    def _is_done(self, event: Any) -> Value:
        return (event.kind == Kind.STEP) & (event.source == Operation.DONE)

    def _recorded(self, event: Any) -> Value:
        """Tell whether an event is one that the recorder looks at."""
        sent = (event.kind == Kind.SPIKE) | (event.kind == Kind.GRADED)
        return sent | (event.kind == Kind.READOUT) | self._is_done(event)

    def _tables(
        self, m: Module, control: StepControl, recorder: Recorder, blocks: list[Any]
    ) -> None:
        """Let the host reach the schedule and the record table here, the rest in the cores."""
        known = regions(self.config)
        memories = {name: RowMem(known[name].layout, known[name].rows) for name in FABRIC}
        for name, memory in memories.items():
            m.submodules[name] = memory
        here: Any = AccessSignature().create(path=("here",))
        m.d.comb += [
            memories["schedule"].read.eq(control.schedule_read),
            memories["schedule"].read_row.eq(control.entry_number),
            control.entry.eq(memories["schedule"].read_data),
            memories["record"].read.eq(recorder.record_read),
            memories["record"].read_row.eq(recorder.record_row),
            recorder.record.eq(memories["record"].read_data.as_value()),
        ]
        share(m, self.access, [here, *blocks])
        decode(m, here, memories, known)

    def _wait(self, m: Module, control: StepControl) -> Value:
        """Connect the words of the host to the control; tell whether any waits."""
        words: Any = control.i
        if not self.config.queue:
            m.d.comb += [
                words.payload.eq(self.i_words.payload),
                words.valid.eq(self.i_words.valid),
                self.i_words.ready.eq(words.ready),
            ]
            return self.i_words.valid

        # Block RAM is slow to read, so a word leaves it for registers.
        m.submodules.queue = queue = Queue(32, self.config.queue)
        m.submodules.skid = skid = Skid(32)
        connect(m, flipped(self.i_words), queue.i)
        connect(m, queue.o, skid.i)
        m.d.comb += [
            words.payload.eq(skid.o.payload),
            words.valid.eq(skid.o.valid),
            skid.o.ready.eq(words.ready),
        ]
        return ~queue.empty | skid.o.valid
