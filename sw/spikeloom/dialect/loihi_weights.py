"""Integer weights of Loihi synapses, as Brian2-Loihi and Lava make them of mantissas."""

from typing import Any

import numpy as np

from spikeloom_hw.validate import check_choice, check_integers

__all__ = ["SIGN_MODES", "brian2_weights", "lava_weights"]

SIGN_MODES = ("mixed", "excitatory", "inhibitory")
"""Signs that the weights of a projection may have."""

_WEIGHT = 1 << 8
_LARGEST_WEIGHT = (1 << 15) - 1


def brian2_weights(
    weights: Any, w_exp: int = 0, num_weight_bits: int = 8, sign_mode: str = "mixed"
) -> np.ndarray:
    """Weights that Brian2-Loihi's ``LoihiSynapses`` act with, in units of 64.

    Bits that the precision lacks are dropped toward zero, then the exponent is applied and the
    result rounded down and held within 21 bits.

    Parameters
    ----------
    weights : int array
        Mantissas: from -256 to 254, 0 to 255, or -256 to 0, as the sign mode is.
    w_exp : int
        Exponent, from -8 to 7.
    num_weight_bits : int
        Bits of the mantissa, from 0 to 8, with the sign if it is mixed.
    sign_mode : str
        ``"mixed"``, ``"excitatory"`` or ``"inhibitory"``.

    Returns
    -------
    int64 array
        Weights of the shape of ``weights``, for a :class:`~spikeloom_sim.projection.Dense` whose
        target is ``Compartment.neuron()``.
    """
    check_choice("Sign mode", sign_mode, SIGN_MODES)
    ranges = {"mixed": (-256, 254), "excitatory": (0, 255), "inhibitory": (-256, 0)}
    mantissas = _checked(weights, *ranges[sign_mode])
    check_integers("Exponent of the weights", w_exp, -8, 7)
    check_integers("Bits of the weights", num_weight_bits, 0, 8)
    dropped = 8 - num_weight_bits + (sign_mode == "mixed")
    kept = np.sign(mantissas) * (np.abs(mantissas) >> dropped << dropped)
    return np.clip(_scaled(kept, w_exp), -_LARGEST_WEIGHT, _LARGEST_WEIGHT)


def lava_weights(
    weights: Any, weight_exp: int = 0, num_weight_bits: int = 8, sign_mode: str | None = None
) -> np.ndarray:
    """Weights that Lava's fixed-point ``Dense`` acts with, in units of 64.

    They are held within 8 bits and a sign, and the bits that the precision lacks are dropped:
    downwards if the sign is mixed, else toward zero.

    Parameters
    ----------
    weights : (post, pre) int array
        Weights as Lava's ``Dense`` takes them.
    weight_exp : int
        Exponent, from -8 to 7. Lava rounds the sum of the weights of a step down if it is
        negative; so the weights must be multiples of ``2**-weight_exp``.
    num_weight_bits : int
        Bits of the weights, from 1 to 8, with the sign if it is mixed.
    sign_mode : str or None
        ``"mixed"``, ``"excitatory"`` or ``"inhibitory"``; None means what the weights are.

    Returns
    -------
    (pre, post) int64 array
        Weights for a :class:`~spikeloom_sim.projection.Dense` whose target is
        ``Compartment.neuron()``. They are transposed, as ours are.

    Raises
    ------
    ValueError
        If a number is out of range, or weights are not multiples as said.
    """
    given = _checked(weights, -(1 << 31), (1 << 31) - 1)
    check_integers("Exponent of the weights", weight_exp, -8, 7)
    check_integers("Bits of the weights", num_weight_bits, 1, 8)
    mode = sign_mode or _sign_mode(given)
    check_choice("Sign mode", mode, SIGN_MODES)
    sign = -1 if mode == "inhibitory" else 1
    dropped = 8 - num_weight_bits + (mode == "mixed")
    kept = np.clip(sign * given, -_WEIGHT if mode == "mixed" else 0, _WEIGHT - 1)
    kept = sign * (kept >> dropped << dropped)
    if weight_exp < 0 and np.any(kept % (1 << -weight_exp)):
        raise ValueError(
            f"Weights with the exponent {weight_exp} must be multiples of {1 << -weight_exp}: Lava "
            f"rounds the sum of each step, which single weights cannot follow"
        )
    return _scaled(kept, weight_exp).T


def _checked(weights: Any, low: int, high: int) -> np.ndarray:
    array = np.asarray(weights)
    check_integers("Weights", array.ravel(), low, high)
    return array.astype(np.int64)


def _sign_mode(weights: np.ndarray) -> str:
    if weights.min(initial=0) >= 0:
        return "excitatory"
    return "inhibitory" if weights.max() <= 0 else "mixed"


def _scaled(weights: np.ndarray, exponent: int) -> np.ndarray:
    return weights << exponent if exponent >= 0 else weights >> -exponent
