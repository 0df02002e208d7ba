"""What happens in an average time step, which the power of a chip follows."""

from collections.abc import Mapping

import numpy as np

from spikeloom_hw.program import Program

from .estimate import Activity, estimate
from .walk_costs import walk_costs

__all__ = ["activity_counts"]


def activity_counts(program: Program, activity: Activity = 0.1) -> dict[str, float]:
    """Count what switches in an average time step.

    Parameters
    ----------
    program : Program
        Program of the network.
    activity : float or Mapping of str to float or (neurons,) array
        As of :func:`~spikeloom.estimate.estimate`.

    Returns
    -------
    dict of str to float
        ``cycles``; ``events``; ``weight_rows``, rows of weights or words of synapses that are
        read; ``accumulations``, weights that are added; ``neuron_updates``, if no row is skipped;
        ``memory_accesses``: a row of weights, a read and a write of a row of sums for each of
        them, and a read and a write of the state and a read of the sums for each update.

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    expected = estimate(program, activity)
    cores = [walk_costs(program, core) for core in range(program.config.all_cores)]
    names = [population.name for population in program.populations]
    shares = activity if isinstance(activity, Mapping) else dict.fromkeys(names, activity)
    rows = sum(
        float(np.sum(shares.get(name, 0.0) * costs[name].cycles))
        for costs in cores
        for name in names
        if costs[name].walks
    )
    lanes = program.config.core.update_lanes
    sweeps = sum(-(-population.span // lanes) for population in program.neurons)
    return {
        "cycles": expected.cycles,
        "events": expected.events,
        "weight_rows": rows,
        "accumulations": expected.synaptic_operations,
        "neuron_updates": float(sum(population.size for population in program.neurons)),
        "memory_accesses": 3 * rows + 3 * sweeps,
    }
