"""Lattice ECP5: the devices of several boards."""

from .device import Device, Family

__all__ = ["LFE5UM5G_45F", "LFE5UM5G_85F", "LFE5U_12F", "LFE5U_25F", "LFE5U_85F"]


def _ecp5(part: str, package: str, speed: str, luts: int, blocks: int, dsps: int) -> Device:
    return Device(Family.ECP5, part, package, speed, luts, luts, blocks, 18432, dsps)


# The die is that of the 25F; what is said here is what Lattice sells.
LFE5U_12F = _ecp5("LFE5U-12F", "CABGA381", "6", 12_000, 32, 28)
"""12,000 LUT4, 32 DP16KD."""
LFE5U_25F = _ecp5("LFE5U-25F", "csfBGA285", "8", 24_288, 56, 28)
"""24,288 LUT4, 56 DP16KD."""
LFE5U_85F = _ecp5("LFE5U-85F", "CABGA381", "6", 83_640, 208, 156)
"""83,640 LUT4, 208 DP16KD."""
LFE5UM5G_45F = _ecp5("LFE5UM5G-45F", "CABGA554", "8", 43_848, 108, 72)
"""43,848 LUT4, 108 DP16KD."""
LFE5UM5G_85F = _ecp5("LFE5UM5G-85F", "CABGA554", "8", 83_640, 208, 156)
"""83,640 LUT4, 208 DP16KD, faster than the LFE5U."""
