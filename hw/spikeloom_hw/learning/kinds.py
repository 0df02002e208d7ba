"""The choices of which a learning rule is made."""

import enum

__all__ = ["Dependence", "Post", "Pre", "Rounding", "Seen", "Surrogate", "TraceKind"]


class TraceKind(enum.IntEnum):
    """What a spike does to a trace: ``ALL`` adds the increment, ``NEAREST`` sets it."""

    ALL = 0
    NEAREST = 1


class Seen(enum.IntEnum):
    """Whether terms see a trace ``BEFORE`` or ``AFTER`` the spike of the same step."""

    BEFORE = 0
    AFTER = 1


class Pre(enum.IntEnum):
    """Presynaptic factor of a term."""

    ONE = 0
    X1 = 1
    X2 = 2


class Post(enum.IntEnum):
    """Postsynaptic factor of a term."""

    ONE = 0
    Y1 = 1
    Y2 = 2
    Y3 = 3
    DELTA = 4
    SDSP = 5


class Dependence(enum.IntEnum):
    """Factor of a term that depends on the weight: 1, ``w - low``, or ``high - w``."""

    ONE = 0
    ABOVE = 1
    BELOW = 2


class Rounding(enum.IntEnum):
    """How a change is rounded: to the nearest integer, or at random in proportion."""

    NEAREST = 0
    STOCHASTIC = 1


class Surrogate(enum.IntEnum):
    """Stand-in for the derivative of the spike, of the distance to the threshold."""

    NONE = 0
    BOX = 1
    TRIANGLE = 2
    EXPONENTIAL = 3
