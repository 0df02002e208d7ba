"""Trials of the chip link, compiled from their Verilog."""

from pathlib import Path

from spikeloom_hw.interchip.link import LinkParameters

from . import link_noise, link_task, link_trial
from .compiled import CompiledChip, kept_verilog
from .link_task import OUTCOME_BYTES, Outcome, Task
from .link_trial import LinkTrial

__all__ = ["CompiledTrial"]


class CompiledTrial:
    """A trial, compiled.

    Parameters
    ----------
    parameters : LinkParameters
        The link; words of 32 bits or more.
    divisor : int
        Cycles in a bit of a serial line; 0 for a parallel one.
    """

    def __init__(self, parameters: LinkParameters, divisor: int = 0) -> None:
        sources = [
            Path(name).read_text()
            for name in (link_noise.__file__, link_task.__file__, link_trial.__file__)
        ]
        key = "\n".join([f"link trial {parameters} {divisor}", *sources])
        verilog = kept_verilog(key, lambda: LinkTrial(parameters, divisor))
        self._chip = CompiledChip(verilog)

    def run(self, task: Task, *, cycles: int = 20_000_000) -> Outcome:
        """Run a task after a reset.

        Raises
        ------
        TimeoutError
            If it was not over after so many cycles.
        """
        self._chip.reset()
        answer, _ = self._chip.run(task.encode(), cycles=cycles, quiet=40, answered=True)
        if len(answer) != OUTCOME_BYTES:
            raise TimeoutError(f"The trial was not over within {cycles} cycles: {task}")
        return Outcome.decode(answer)
