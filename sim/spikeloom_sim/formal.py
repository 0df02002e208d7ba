"""Proofs about gateware: a harness with assertions, compiled by Yosys and decided by ABC."""

import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Assume, Module, ResetSignal, Value

from spikeloom_hw.yosys import YosysError, run_yosys

__all__ = ["ProofError", "Verdict", "prove", "with_fault"]

# The type stubs of Amaranth lack it.
rtlil: Any = importlib.import_module("amaranth.back.rtlil")

_COMMANDS = [
    "read_rtlil harness.il",
    "hierarchy -check -top harness",
    "proc",
    "flatten",
    "chformal -lower",
    # A harness whose assertions were lost would hold; this fails on it.
    "select -assert-min 1 t:$assert",
    "delete t:$print",
    "opt_clean",
    "memory_dff",
    "memory_collect",
    "memory_map -formal",
    "opt -fast -nodffe -nosdff",
    "setundef -undriven -anyseq",
    "dffunmap",
    "techmap",
    "opt_expr",
    "opt_clean",
    "aigmap",
    "delete -output",
    "opt_clean",
    "write_aiger -zinit harness.aig",
]
# Assumptions become part of one output, which is 1 where an assertion fails.
_REDUCE = "fold; strash; orpos; scorr; dc2"


class ProofError(RuntimeError):
    """A harness that cannot be decided: it has no assertion, or the time was not enough."""


@dataclass(frozen=True)
class Verdict:
    """What became of a proof; it is true if the assertions hold.

    Parameters
    ----------
    holds : bool
        Whether no assertion can fail.
    cycle : int or None
        First cycle after power-on in which an assertion can fail; None if none can.
    """

    holds: bool
    cycle: int | None = None

    def __bool__(self) -> bool:
        return self.holds


def prove(harness: Any, *, cycles: int | None = None, seconds: int = 120) -> Verdict:
    """Decide whether the assertions of a harness hold, whatever its inputs do.

    Every input of the harness takes any value in any cycle that its ``Assume`` statements allow;
    registers and memories start with their initial values, and the reset is never used. The
    assertions (``Assert``) are those of the harness and of all that is in it.

    A proof can hold for the wrong reason, as when assumptions contradict each other. Therefore
    show with each that a fault in the design is found.

    Parameters
    ----------
    harness : Component
        The design, and what is assumed and asserted about it.
    cycles : int or None
        Look at so many cycles after power-on only; None proves it for all time, by
        property-directed reachability.
    seconds : int
        Time after which to give up.

    Returns
    -------
    Verdict
        Whether they hold, and if not, when they fail first.

    Raises
    ------
    ProofError
        If the harness asserts nothing, or was not decided in time.
    YosysError
        If Yosys is missing or fails.
    """
    top = Module()
    top.submodules.harness = harness
    top.d.comb += Assume(~ResetSignal(), "the reset is not used")
    ports: list[Any] = [Value.cast(port) for *_, port in harness.signature.flatten(harness)]
    with tempfile.TemporaryDirectory(prefix="spikeloom-proof-") as temporary:
        folder = Path(temporary)
        (folder / "harness.il").write_text(rtlil.convert(top, name="harness", ports=ports))
        try:
            run_yosys(_COMMANDS, folder)
        except YosysError as error:
            if "selection contains 0 elements" not in str(error):
                raise
            raise ProofError("The harness asserts nothing; add an Assert to it") from error
        engine = "pdr" if cycles is None else f"bmc3 -F {cycles}"
        script = f"read_aiger harness.aig; {_REDUCE}; write_aiger reduced.aig; {engine}"
        said = _abc(script, folder, seconds)
        if _never(folder / "reduced.aig"):
            return Verdict(True)
    failed = re.search(r"was asserted in frame (\d+)", said)
    if failed:
        return Verdict(False, int(failed[1]))
    held = "Property proved" if cycles is None else f"No output asserted in {cycles} frames"
    if held not in said:
        raise ProofError(f"ABC gave no verdict on the harness; it said: {said.strip()}")
    return Verdict(True)


def with_fault(component: type, right: str, wrong: str) -> type:
    """Make a component with a fault, which a proof about it must find.

    Parameters
    ----------
    component : type
        Class of the component; it sees its module as it is now.
    right, wrong : str
        Text in the source of the class, and what is there instead.

    Raises
    ------
    ValueError
        If the source does not have the text exactly once.
    """
    source = textwrap.dedent(inspect.getsource(component))
    if source.count(right) != 1:
        raise ValueError(
            f"The source of {component.__name__} has {right!r} {source.count(right)} times; "
            "give text that it has once"
        )
    names = dict(vars(sys.modules[component.__module__]))
    exec(source.replace(right, wrong), names)
    return names[component.__name__]


def _abc(script: str, folder: Path, seconds: int) -> str:
    """Run ABC, which comes with Yosys."""
    package = importlib.util.find_spec("pyosys")
    assert package is not None and package.origin is not None
    program = Path(package.origin).with_name("yosys-abc")
    try:
        done = subprocess.run(
            [program, "-c", script],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ProofError(
            f"The proof was not decided within {seconds} s; make the harness smaller"
        ) from error
    return done.stdout.decode(errors="replace")


def _never(path: Path) -> bool:
    """Whether the output of a circuit is the constant 0: its literal comes after the latches."""
    header, *lines = path.read_bytes().split(b"\n")
    _, _, _, latches, outputs, *_ = header.split()
    assert int(outputs) == 1
    return lines[int(latches)] == b"0"
