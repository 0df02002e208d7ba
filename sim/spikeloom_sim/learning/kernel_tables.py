"""What the compiled golden model of a network that learns works on: flat arrays."""

from typing import NamedTuple

import numpy as np

__all__ = ["Model", "Populations", "Rules", "Scratch", "State", "Synapses", "Taught", "Trains"]

# Numba does not see when the order of these members changes: touch kernels.py then.


class Populations(NamedTuple):
    """One entry for each population: inputs, of phase -1, first; then in the order of phases.

    ``start`` and ``end`` say which neurons are theirs, in one row with those of all others. From
    ``bias`` on there is an entry for each neuron. Flags are 0 or 1.
    """

    phase: np.ndarray
    start: np.ndarray
    end: np.ndarray
    to_value: np.ndarray
    subtract: np.ndarray
    delayed: np.ndarray
    inclusive: np.ndarray
    winner: np.ndarray
    inhibition: np.ndarray
    shift: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bias: np.ndarray
    minimum: np.ndarray
    reset_value: np.ndarray
    refractory: np.ndarray
    adaptation_decay: np.ndarray
    adaptation_step: np.ndarray


class Synapses(NamedTuple):
    """One entry for each projection, those of one source together; weights row after row.

    ``first`` has one entry for each source: where its projections begin.
    """

    first: np.ndarray
    start: np.ndarray
    size: np.ndarray
    offset: np.ndarray
    weights: np.ndarray


class Rules(NamedTuple):
    """One entry for each projection that learns, in the order in which they learn.

    Members
    -------
    source, pre, target, post : array
        First neuron and number of neurons of either side.
    offset, feedback : array
        Where the weights begin in those of :class:`Synapses`, and the feedback in ``carriers``;
        -1 if errors go back through the weights.
    shift, low, high, change_low, change_high : array
        How changes are cut and clipped; the last two are those of the eligibility, if there is
        one.
    threshold_shift, decay_shift, back_shift : array
        -1 where there is no such part.
    pre_traces, post_traces : (rules, traces, 4) array
        Decay (-1: no such trace), increment, whether it is set, whether it is seen after.
    terms : (rules, 4, 7) array
        Coefficient, pre, post, on_pre, on_post, dependence, modulated.
    sdsp, bounds : (rules, 5) and (rules, 4) array
        As in :class:`~spikeloom_hw.learning.Sdsp`; of thresholds and of decays.
    x, y, before : (rules, traces, neurons) array
        Traces; and those of the threshold and the leak, spike and potential of the last step.
    waiting : array
        Eligibilities, as the weights lie; empty if there are none.
    terms_used : array
        How many terms there are.
    columns : array
        Words of the columns for random rounding, as signed numbers.
    """

    source: np.ndarray
    pre: np.ndarray
    target: np.ndarray
    post: np.ndarray
    offset: np.ndarray
    feedback: np.ndarray
    terms_used: np.ndarray
    enabled: np.ndarray
    gate: np.ndarray
    random: np.ndarray
    seed: np.ndarray
    drop: np.ndarray
    shift: np.ndarray
    low: np.ndarray
    high: np.ndarray
    change_low: np.ndarray
    change_high: np.ndarray
    taught: np.ndarray
    box: np.ndarray
    triangle: np.ndarray
    exponential: np.ndarray
    width: np.ndarray
    spike_value: np.ndarray
    back_shift: np.ndarray
    learns_parameters: np.ndarray
    threshold_shift: np.ndarray
    decay_shift: np.ndarray
    leak_shift: np.ndarray
    eligible: np.ndarray
    reward_shift: np.ndarray
    waiting_decay: np.ndarray
    epoch: np.ndarray
    pre_traces: np.ndarray
    post_traces: np.ndarray
    terms: np.ndarray
    sdsp: np.ndarray
    bounds: np.ndarray
    x: np.ndarray
    y: np.ndarray
    before: np.ndarray
    waiting: np.ndarray
    carriers: np.ndarray
    columns: np.ndarray


class State(NamedTuple):
    """One entry for each neuron, those of inputs included."""

    potential: np.ndarray
    resting: np.ndarray
    fired: np.ndarray
    adaptation: np.ndarray
    inhibited: np.ndarray
    current: np.ndarray
    threshold: np.ndarray
    decay: np.ndarray
    next_threshold: np.ndarray
    next_decay: np.ndarray


class Taught(NamedTuple):
    """What a step brings: its number and its modulator, in one entry; errors of all neurons."""

    time: np.ndarray
    modulator: np.ndarray
    errors: np.ndarray


class Scratch(NamedTuple):
    """Room for what lasts for a projection only: factors, operands, deltas, sums and live rows."""

    p: np.ndarray
    q: np.ndarray
    x: np.ndarray
    y: np.ndarray
    delta: np.ndarray
    total: np.ndarray
    live: np.ndarray


class Model(NamedTuple):
    """A network that learns, and its state."""

    net: Populations
    synapses: Synapses
    rules: Rules
    state: State
    taught: Taught
    scratch: Scratch


class Trains(NamedTuple):
    """What a sample brings and leaves, step by step, for all neurons; empty if not wanted."""

    spikes: np.ndarray
    potentials: np.ndarray
    modulator: np.ndarray
    errors: np.ndarray
