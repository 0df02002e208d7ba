"""The look-up of the walker: what the tables say of a convolution or a sparse projection."""

from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig, Walk
from ..dispatch import job_layout
from ..layout import Layouts
from .loops import place_layout, walk_layout

__all__ = ["AXES", "Lookup", "table_ports"]

AXES = ("channel", "line", "column")
"""Axes of a convolution: each has a table."""


def table_ports(config: CoreConfig) -> dict[str, Any]:
    """Members of a component that reads the tables of convolutions and sparse projections."""
    layouts = Layouts(config)
    tables: list[tuple[str, int, Any]] = []
    if Walk.CONVOLUTION in config.walks:
        tables += [(axis, config.taps, layouts.taps) for axis in AXES]
    if Walk.SPARSE in config.walks:
        tables.append(("pointer", config.pointers, layouts.pointers))
    members: dict[str, Any] = {}
    for name, rows, layout in tables:
        members |= {f"{name}_read": Out(1), name: Out(range(rows)), f"{name}_entry": In(layout)}
    return members


class Lookup(wiring.Component):
    """Turn jobs into walks, one a cycle, three cycles later; all kinds go the same way.

    A job without a tap or a synapse is dropped.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core, with convolutions or sparse projections.

    Members
    -------
    i : In(stream.Signature(job_layout(config)))
        Jobs that are not steps.
    o : Out(stream.Signature(walk_layout(config)))
        Walks for the loops.
    channel_read, line_read, column_read : Out(1)
        Read row ``channel``, ``line`` and ``column`` of the tables. Absent without convolutions.
    channel, line, column : Out(range(taps))
        Rows to read.
    channel_entry, line_entry, column_entry : In(Layouts.taps)
        Rows read, one cycle later.
    pointer_read, pointer, pointer_entry
        The same of the pointers. Absent without sparse projections.
    idle : Out(1)
        No job is under way here.
    """

    i: stream.Interface
    o: stream.Interface
    channel_entry: Any
    line_entry: Any
    column_entry: Any
    pointer_read: Signal
    pointer: Signal
    pointer_entry: Any
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "i": In(stream.Signature(job_layout(config))),
            "o": Out(stream.Signature(walk_layout(config))),
            "idle": Out(1),
            **table_ports(config),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the three stages."""
        m = Module()
        valid_1, valid_2, valid_3 = Signal(), Signal(), Signal()
        move_2, move_3, take = Signal(), Signal(), Signal()
        job_1: Any = Signal.like(self.i.payload)
        job: Any = Signal.like(self.i.payload)
        m.d.comb += [
            move_3.eq(~valid_3 | self.o.ready),
            move_2.eq(~valid_2 | move_3),
            self.i.ready.eq(~valid_1 | move_2),
            take.eq(self.i.valid & self.i.ready),
            self.idle.eq(~(valid_1 | valid_2 | valid_3)),
        ]

        # The job is captured while the tables are read, and then what they answer.
        self._read(m, take)
        with m.If(self.i.ready):
            m.d.sync += [valid_1.eq(self.i.valid), job_1.eq(self.i.payload)]
        entries = self._capture(m, move_2)
        with m.If(move_2):
            m.d.sync += [valid_2.eq(valid_1), job.eq(job_1)]

        # What has no request goes no further.
        exists, walk, rest = self._walk(m, job, entries)
        first, further = Signal.like(walk), Signal.like(rest)
        with m.If(move_3):
            m.d.sync += [valid_3.eq(valid_2 & exists), first.eq(walk), further.eq(rest)]

        # The last sum of the first address is made as the walk is taken.
        m.d.comb += [
            self.o.valid.eq(valid_3),
            self.o.payload.eq(first),
            self.o.payload.weight_row.eq(first.weight_row + further.weight_row),
            self.o.payload.row.eq(first.row + further.row),
        ]

        return m

    def _read(self, m: Module, take: Value) -> None:
        """Read the tables of the job that is taken."""
        job = self.i.payload
        if Walk.CONVOLUTION in self.config.walks:
            for axis in AXES:
                m.d.comb += [
                    getattr(self, f"{axis}_read").eq(take & (job.kind == Walk.CONVOLUTION)),
                    getattr(self, axis).eq(job[f"{axis}s"]),
                ]
        if Walk.SPARSE in self.config.walks:
            m.d.comb += [
                self.pointer_read.eq(take & (job.kind == Walk.SPARSE)),
                self.pointer.eq(job.weight_row),
            ]

    def _capture(self, m: Module, move: Signal) -> dict[str, Any]:
        """Capture the rows of the tables, by name: block RAM is slow to answer."""
        axes = AXES if Walk.CONVOLUTION in self.config.walks else ()
        names = (*axes, "pointer") if Walk.SPARSE in self.config.walks else axes
        entries: dict[str, Any] = {}
        for name in names:
            entry = getattr(self, f"{name}_entry")
            entries[name] = Signal.like(entry, name=f"{name}_captured")
            with m.If(move):
                m.d.sync += entries[name].eq(entry)
        return entries

    def _walk(self, m: Module, job: Any, entries: dict[str, Any]) -> tuple[Signal, Any, Any]:
        """Make a walk from what the tables say; the first address comes in two parts."""
        walk: Any = Signal(walk_layout(self.config))
        rest: Any = Signal(place_layout(self.config))
        exists = Signal()
        shared = walk.shape().members.keys() & job.shape().members.keys()
        m.d.comb += [walk[name].eq(job[name]) for name in sorted(shared)]
        m.d.comb += exists.eq(walk.blocks != 0)

        if Walk.CONVOLUTION in self.config.walks:
            taps = [entries[axis] for axis in AXES]
            m.d.comb += [walk.line_count.eq(1), walk.column_count.eq(1)]
            with m.If(job.kind == Walk.CONVOLUTION):
                self._convolve(m, job, taps, (walk, rest, exists))
        if Walk.SPARSE in self.config.walks:
            pointer = entries["pointer"]
            with m.If(job.kind == Walk.SPARSE):
                m.d.comb += [
                    walk.sparse.eq(1),
                    walk.weight_row.eq(pointer.first),
                    walk.blocks.eq(pointer.words),
                    walk.size.eq(pointer.size),
                ]
        return exists, walk, rest

    def _convolve(
        self, m: Module, job: Any, taps: list[Any], made: tuple[Any, Any, Signal]
    ) -> None:
        """Add up what the three tables say of a convolution."""
        channel, line, column = taps
        walk, rest, exists = made
        m.d.comb += [
            walk.weight_row.eq(job.weight_row + channel.weight),
            walk.row.eq(job.row + channel.row),
            rest.weight_row.eq(line.weight + column.weight),
            rest.row.eq(line.row + column.row),
            walk.blocks.eq(channel.count),
            walk.line_count.eq(line.count),
            walk.column_count.eq(column.count),
            exists.eq((channel.count != 0) & (line.count != 0) & (column.count != 0)),
        ]
