"""What is told of the cells of a device before a build."""

from spikeloom_boards.device import Family
from spikeloom_hw.config import ChipConfig

from ..resources import FAMILIES, predict

__all__ = ["predict_cells"]


def predict_cells(config: ChipConfig, family: Family) -> dict[str, int]:
    """Predict what synthesis makes of a chip, by the names of a report of a build.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    family : Family
        Family of the device; of some there is no prediction, and none of a chip that learns or
        has several cores.

    Returns
    -------
    dict of str to int
        Empty if there is no prediction.
    """
    if family.value not in FAMILIES or config.core.learning or config.all_cores > 1:
        return {}
    told = predict(config, family.value)
    ram = {"block_ram": told.block_rams, "spram": told.single_port_rams}
    return {"lut": told.luts, "ff": told.flip_flops, **ram}
