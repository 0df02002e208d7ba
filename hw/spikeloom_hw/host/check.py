"""The checksum of the host link in gateware: CRC-16/GENIBUS."""

from importlib import import_module
from typing import Any

__all__ = ["checksum_processor"]


def checksum_processor() -> Any:
    """Build Amaranth's processor of CRC-16/GENIBUS, a byte every cycle."""
    # Imported by name because amaranth-stubs leaves out amaranth.lib.crc.
    return import_module("amaranth.lib.crc.catalog").CRC16_GENIBUS(data_width=8).create()
