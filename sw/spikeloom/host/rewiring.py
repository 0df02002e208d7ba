"""A device whose sparse projections are read, and given other synapses."""

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.packing import pack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core, regions

from ..errors import DeviceError
from .learning_device import LearningDevice
from .memories import Memories
from .readback import read_parts

__all__ = ["RewirableDevice"]

_MEMORIES = ("pointers", "synapses")


class RewirableDevice(LearningDevice):
    """A device whose sparse projections can be rewired."""

    def synapses(self, source: str, target: str, number: int = 0) -> dict[str, np.ndarray]:
        """Read the synapses of a sparse projection back, one by one.

        Parameters
        ----------
        source, target : str
            Populations that it joins.
        number : int
            Which one, in order of declaration, if several join the same two.

        Returns
        -------
        dict of str to (synapses,) int64 array
            ``pre``, ``post``, ``weight``, and ``delay`` on top of that of the projection; those
            of weight 0 are left out.

        Raises
        ------
        ValueError
            If there is no such projection, or it is not sparse.
        """
        at = self._projection(source, target, number)
        if at.kind is not Walk.SPARSE:
            raise ValueError(
                f"The projection from {source!r} to {target!r} is not sparse: read its weights"
            )
        found = self.program.synapses_of(at, read_parts(self._memories, at))
        return {name: found[name] for name in ("pre", "post", "weight", "delay")}

    def rewire(self, program: Program) -> int:
        """Take the synapses of another program, without new hardware.

        The host writes only the rows of memory that differ, then clears the state, as before a
        sample: what is on its way through old synapses and what comes through new ones could sum
        to more than an accumulator holds. What other projections have learned, and the number of
        the step, stay.

        Parameters
        ----------
        program : Program
            :func:`~spikeloom.recompile` made it of that of the device.

        Returns
        -------
        int
            Rows of memory that were written.

        Raises
        ------
        DeviceError
            If the program differs in more than the synapses of sparse projections.
        """
        if not _same_besides(self.program, program):
            raise DeviceError(
                "The program differs from that of the device in more than synapses of sparse "
                "projections; make it of the device's with recompile, or load it"
            )
        written = 0
        for name in _rewired(program):
            written += _write_changed(self._memories, self.program, program.images[name], name)
        self.program = program
        self.reset()
        return written


def _rewired(program: Program) -> list[str]:
    """Memories of a program whose contents change."""
    names = (on_core(n, k) for k in range(program.config.all_cores) for n in _MEMORIES)
    return [name for name in names if name in program.images]


def _same_besides(one: Program, other: Program) -> bool:
    """Whether two programs differ at most in the synapses of sparse projections."""
    rewired = _rewired(one)
    return (
        one.config == other.config
        and one.populations == other.populations
        and len(one.projections) == len(other.projections)
        and one.images.keys() == other.images.keys()
        and all(
            np.array_equal(image, other.images[name])
            for name, image in one.images.items()
            if name not in rewired
        )
        and all(one.images[name].shape == other.images[name].shape for name in rewired)
    )


def _write_changed(memories: Memories, program: Program, image: np.ndarray, name: str) -> int:
    """Write the rows of an image that differ from those of the device that holds ``program``."""
    held = program.images[name]
    changes = {on_core(at.memory, part.core) for at in program.plastic for part in at.parts}
    if name in changes:
        layout = regions(program.config)[name].layout
        held = pack_rows(layout, memories.read_rows(name, 0, len(image)))
    rows = np.flatnonzero((held != image).any(axis=1))
    for run in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        if len(run):
            memories.write_rows(name, image[run], int(run[0]))
    return len(rows)
