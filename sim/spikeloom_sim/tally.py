"""A small chip for benches of the simulations themselves: it counts bytes in a memory."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["CLEAR", "READ", "Tally", "tally"]

CLEAR = 0x80
READ = 0x40


def tally(script: bytes) -> bytes:
    """What :class:`Tally` answers to a script that begins with ``CLEAR``."""
    counts, output = [0] * 64, bytearray()
    for byte in script:
        if byte == CLEAR:
            counts = [0] * 64
        elif byte & READ:
            output.append(counts[byte - READ])
        else:
            counts[byte] = (counts[byte] + 1) & 0xFF
    return bytes(output)


class Tally(wiring.Component):
    """Count the bytes 0 to 63 modulo 256; 64 + n asks for the count of n, 128 clears all counts.

    The counts are undefined until the first clear, which takes 64 cycles.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes to count, and commands.
    tx : Out(stream.Signature(unsigned(8)))
        Counts.
    """

    rx: stream.Interface
    tx: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the chip."""
        m = Module()
        m.submodules.counts = counts = Memory(shape=unsigned(8), depth=64, init=[])
        queue: Any = SyncFIFOBuffered(width=8, depth=4)
        m.submodules.queue = queue
        reading, writing = counts.read_port(), counts.write_port()
        byte = Signal(8)
        m.d.comb += [
            reading.addr.eq(self.rx.payload),
            reading.en.eq(self.rx.ready),
            writing.addr.eq(byte),
            writing.data.eq(reading.data + 1),
            queue.w_data.eq(reading.data),
            self.tx.payload.eq(queue.r_data),
            self.tx.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.tx.ready),
        ]

        with m.FSM():
            # Take a byte, and look its count up.
            with m.State("TAKE"):
                m.d.comb += self.rx.ready.eq(1)
                m.d.sync += byte.eq(self.rx.payload)
                with m.If(self.rx.valid & self.rx.payload[7]):
                    m.next = "CLEAR"
                with m.Elif(self.rx.valid & self.rx.payload[6]):
                    m.next = "ANSWER"
                with m.Elif(self.rx.valid):
                    m.next = "COUNT"

            # Write the count back.
            with m.State("COUNT"):
                m.d.comb += writing.en.eq(1)
                m.next = "TAKE"

            # Queue the count.
            with m.State("ANSWER"):
                m.d.comb += queue.w_en.eq(1)
                with m.If(queue.w_rdy):
                    m.next = "TAKE"

            # Zero one count after the other.
            with m.State("CLEAR"):
                m.d.comb += [writing.en.eq(1), writing.data.eq(0)]
                m.d.sync += byte.eq(byte + 1)
                with m.If(byte[:6] == 63):
                    m.next = "TAKE"

        return m
