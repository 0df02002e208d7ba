"""The emitted Verilog in a Verilog simulator, driven through cocotb."""

import importlib.metadata
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from spikeloom_hw.validate import check_choice

from .cache import cached
from .exchange import PATIENCE, Exchange
from .tools import SimulationError, failure, find_tool, tool_version

__all__ = ["Simulator", "cosimulate", "run_bench"]

Simulator = Literal["icarus", "verilator"]

_BENCH = "spikeloom_sim.cosim_bench"
_PROGRAMS = {"icarus": "iverilog", "verilator": "verilator"}
_BUILD = {
    "icarus": [],
    "verilator": ["-O3", "--no-public-flat-rw", "--x-assign", "fast", "-Wno-fatal"],
}
# With all signals in reach, as cocotb has it, a model is four times as large.
_REACHED = "`verilator_config\n" + "".join(
    f'public_flat_rw -module "{{name}}" -var "{port}"\n' for port in ("clk", "rst", "rx*", "tx*")
)


def cosimulate(
    verilog: str | os.PathLike[str],
    scripts: Sequence[bytes],
    *,
    simulator: Simulator = "icarus",
    seed: int | None = None,
    patience: int = PATIENCE,
) -> list[Exchange]:
    """Give scripts of bytes to an emitted chip in a Verilog simulator, each after a reset.

    Memories keep what they hold from script to script; before the first one they hold X in Icarus
    and 0 in Verilator.

    Parameters
    ----------
    verilog : path
        File with one module, named like the file, that has the byte streams ``rx`` and ``tx``.
    scripts : list of bytes
        Scripts; many in one call save the start of the simulator.
    simulator : "icarus" or "verilator"
        What simulates.
    seed : int or None
        Seed of pauses on both streams; None for none.
    patience : int
        Cycles without a byte after which an exchange ends, once all bytes are in.

    Returns
    -------
    list of Exchange
        One for each script.

    Raises
    ------
    SimulationError
        If a tool is missing or fails, or an output byte is undefined.
    """
    job = {"scripts": [s.hex() for s in scripts], "seed": seed, "patience": patience}
    results = run_bench(verilog, simulator, _BENCH, job)
    return [Exchange(bytes.fromhex(result["output"]), result["cycles"]) for result in results]


def run_bench(
    verilog: str | os.PathLike[str], simulator: Simulator, bench: str, job: dict[str, Any]
) -> list[dict[str, Any]]:
    """Run a bench of cocotb on an emitted chip.

    Parameters
    ----------
    verilog : path
        File with one module, named like the file.
    simulator : "icarus" or "verilator"
        What simulates.
    bench : str
        Module with the test; it finds the job at ``SPIKELOOM_JOB``, and puts its results beside it.
    job : dict
        What the bench is to do, as JSON.

    Returns
    -------
    list of dict
        A result for each script of the job.

    Raises
    ------
    SimulationError
        If a tool is missing or fails, or a result is an error.
    """
    check_choice("Simulator", simulator, tuple(_PROGRAMS))
    if importlib.util.find_spec("cocotb_tools") is None:
        raise SimulationError("The simulation needs cocotb: install it with 'pip install cocotb'")
    path = Path(verilog)
    with tempfile.TemporaryDirectory(prefix="spikeloom-cosim-") as temporary:
        folder = Path(temporary)
        (folder / "job.json").write_text(json.dumps(job))
        _run(_built(path, simulator), path.stem, simulator, folder, bench)
        results: list[dict[str, Any]] = json.loads((folder / "job.results").read_text())
    for number, result in enumerate(results):
        if "error" in result:
            raise SimulationError(f"Script {number} on {path.name} failed: {result['error']}")
    return results


def _built(path: Path, simulator: Simulator) -> Path:
    """Compile the file, unless that has been done before."""
    text = path.read_text()
    # The simulation names the libraries of cocotb where they lie, so it is not for another place.
    cocotb = f"{importlib.metadata.version('cocotb')} {sys.prefix}"
    parts = [path.stem, text, tool_version(_PROGRAMS[simulator]), cocotb]
    parts += [*_BUILD[simulator], _REACHED]

    def build(folder: Path) -> None:
        source, log = folder / path.name, folder / "build.log"
        source.write_text(text)
        sources = [source]
        if simulator == "verilator":
            sources.append(folder / "reached.vlt")
            sources[1].write_text(_REACHED.format(name=path.stem))
        with _runner(simulator, f"Compiling {path.name} for {simulator}", log) as runner:
            runner.build(
                sources=sources,
                hdl_toplevel=path.stem,
                build_dir=folder,
                build_args=_BUILD[simulator],
                timescale=("1ns", "1ps"),
                log_file=log,
            )

    return cached(f"cosim-{simulator}", parts, build)


def _run(built: Path, name: str, simulator: Simulator, folder: Path, bench: str) -> None:
    log = folder / "run.log"
    with _runner(simulator, f"Simulating {name} in {simulator}", log) as runner:
        runner.test(
            test_module=bench,
            hdl_toplevel=name,
            hdl_toplevel_lang="verilog",
            build_dir=built,
            test_dir=folder,
            results_xml=str(folder / "results.xml"),
            extra_env={"SPIKELOOM_JOB": str(folder / "job.json"), "COCOTB_ANSI_OUTPUT": "0"},
            timescale=("1ns", "1ps"),
            log_file=log,
        )
    if not (folder / "job.results").exists():
        raise failure(f"Simulating {name} in {simulator}", log.read_bytes())


@contextmanager
def _runner(simulator: Simulator, purpose: str, log: Path) -> Iterator[Any]:
    """Runner of cocotb, with the simulator on its path; its failures become ours."""
    from cocotb_tools.runner import get_runner

    program = find_tool(_PROGRAMS[simulator])
    before = dict(os.environ)
    os.environ["PATH"] = f"{Path(program).parent}{os.pathsep}{before.get('PATH', '')}"
    if shutil.which("ccache"):
        os.environ.setdefault("OBJCACHE", "ccache")
    # cocotb's runner would act on the results itself, and name files after the test.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    try:
        runner = get_runner(simulator)
        runner.log.setLevel("CRITICAL")
        yield runner
    except (SystemExit, RuntimeError, OSError) as error:
        if isinstance(error, SimulationError):
            raise
        raise failure(purpose, log.read_bytes() if log.exists() else b"") from error
    finally:
        os.environ.clear()
        os.environ.update(before)
