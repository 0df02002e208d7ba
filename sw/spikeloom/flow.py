"""The way from a quantised network to hardware, in one straight line."""

from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.program import Program
from spikeloom_sim.quantised import QuantisedNetwork

from .mapping import Pins, place
from .mapping.rewiring import rewired_program

__all__ = ["compile", "recompile"]


def compile(
    quantised: QuantisedNetwork,
    target: str | Target | ChipConfig = "generic-16",
    *,
    record: tuple[str, ...] | None = None,
    cores: int | None = None,
    chips: int | None = None,
    pins: Pins | None = None,
) -> Program:
    """Compile a network into a program: the configuration of the hardware, and what it loads.

    Parameters
    ----------
    quantised : QuantisedNetwork
        Network in integers.
    target : str, Target or ChipConfig
        Shape of the hardware; ``spikeloom targets`` lists the names. Or the ``config`` of an
        earlier program, so that the network loads into the hardware that was made from that.
    record : tuple of str or None
        Populations whose events the host receives; None means all but the inputs.
    cores, chips : int or None
        Cores of each chip, and chips; by default as few as hold the network.
    pins : Mapping of str to int or sequence of int, or None
        Core of a population, or the cores that it is cut over, by its name. Cores are numbered
        through: those of chip c begin at ``c * cores``.

    Returns
    -------
    Program
        To be given to ``emit``, ``Device.simulate`` or ``Device.open``, or saved.

    Raises
    ------
    MappingError
        If the network does not fit the target; it says what was needed and what there is.
    """
    return place(quantised, target, record=record, cores=cores, chips=chips, pins=pins)


def recompile(quantised: QuantisedNetwork, program: Program) -> Program:
    """Give the sparse projections of a program the synapses of a network.

    Weights that were pruned leave their slots to others; what does not change stays where it is,
    so that :meth:`Device.rewire` has few rows to write. All other memories stay as they are.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network that the program was compiled from, with other synapses in its sparse
        projections; see :mod:`spikeloom.learning.structure`.
    program : Program
        Its program.

    Returns
    -------
    Program
        For the same hardware.

    Raises
    ------
    MappingError
        If there is no room for the synapses, or the network differs in anything else.
    """
    return rewired_program(program, quantised)
