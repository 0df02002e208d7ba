"""Errors that a user can make, one class for each step of the flow."""

__all__ = ["DeviceError", "LinkError", "MappingError", "QuantisationError", "SpikeloomError"]


class SpikeloomError(Exception):
    """Base of all errors of Spikeloom that are not plain argument errors."""


class QuantisationError(SpikeloomError):
    """A network that cannot be quantised as asked."""


class MappingError(SpikeloomError):
    """A network that does not fit the target; the message says what was short."""


class LinkError(SpikeloomError):
    """A link to a device that failed, or that lost something that cannot be had again."""


class DeviceError(SpikeloomError):
    """A device that cannot run the program, or that reported an error."""
