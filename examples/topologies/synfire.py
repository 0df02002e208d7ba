"""A synfire chain: a volley of spikes travels from pool to pool, or dies out."""

from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import click
import numpy as np
from matplotlib.figure import Figure

from spikeloom import CubaLIF, Golden, Network, QuantisedNetwork, Recording, quantise

__all__ = [
    "DELAY",
    "HOP_MS",
    "ONSET_MS",
    "POOLS",
    "SIZE",
    "SPREAD",
    "STEP_MS",
    "Volley",
    "build",
    "follow",
    "picture",
    "run",
    "volley",
    "weight",
]

POOLS = 10
SIZE = 20
STEP_MS = 0.25
DELAY = 20
SPREAD = 2
HOP_MS = 6.0
ONSET_MS = 25.0


class Volley(NamedTuple):
    """Spikes of a pool that belong together: their number, mean time and standard deviation.

    Times are in ms; without spikes they are nan.
    """

    spikes: int
    time: float
    dispersion: float


def weight() -> float:
    """Tell the weight with which a full pool, firing at once, raises the potential by 1.

    That is twice the distance from the mean potential to the threshold.
    """
    decay, current_decay = 1 - STEP_MS / 10.0, 1 - STEP_MS / 1.7
    potential = current = peak = 0.0
    for step in range(100):
        current = current_decay * current + (step == 0)
        potential = decay * potential + current
        peak = max(peak, potential)
    return 1.0 / (SIZE * peak)


def build(*, closed: bool = False, seed: int = 1) -> QuantisedNetwork:
    """Make a chain of pools, each connected to the next; closed, the last feeds the first.

    Membranes of 10 ms and currents of 1.7 ms. A bias holds the potential at half the threshold,
    and noise moves it about. The delays are random, from 4.5 to 5.5 ms.
    """
    decay = 1 - STEP_MS / 10.0
    neuron = CubaLIF(
        decay=decay,
        current_decay=1 - STEP_MS / 1.7,
        bias=0.5 * (1 - decay),
        noise=0.04,
        seed=seed,
        reset="to value",
        refractory=8,
    )
    network = Network("synfire")
    network.add_input("volley", SIZE)
    network.add_population("chain", POOLS * SIZE, neuron)

    first = np.arange(SIZE)
    pre, post = (ends.ravel() for ends in np.meshgrid(first, first))
    strength = np.full(pre.size, weight())
    network.connect_sparse("volley", "chain", strength, ends=(pre, post), delay=DELAY)

    links = np.arange(POOLS if closed else POOLS - 1)[:, None] * SIZE
    ends = (pre + links).ravel(), (post + links + SIZE).ravel() % (POOLS * SIZE)
    delay = np.random.default_rng(seed).integers(-SPREAD, SPREAD + 1, ends[0].size) + DELAY
    network.connect_sparse("chain", "chain", np.full(delay.size, weight()), ends=ends, delay=delay)
    return quantise(network)


def volley(spikes: int, dispersion: float, steps: int) -> np.ndarray:
    """Make a volley of input spikes around 25 ms: the quantiles of a normal distribution.

    Parameters
    ----------
    spikes : int
        Neurons that fire, up to 20.
    dispersion : float
        Standard deviation of their times in ms.
    steps : int
        Time steps.

    Returns
    -------
    (steps, 20) bool array
        Spikes.
    """
    normal = NormalDist(0.0, 1.0)
    times = [normal.inv_cdf((k + 0.5) / spikes) * dispersion for k in range(spikes)]
    train = np.zeros((steps, SIZE), bool)
    train[np.rint((ONSET_MS + np.array(times)) / STEP_MS).astype(int), np.arange(spikes)] = True
    return train


def follow(spikes: np.ndarray, links: int = POOLS) -> list[Volley]:
    """Follow the volley of one sample from pool to pool, around the ring if there is one.

    Parameters
    ----------
    spikes : (steps, neurons) bool array
        Spikes of the chain.
    links : int
        Pools to look at, the first of them more than once if there are more than ten.

    Returns
    -------
    list of Volley
        What each pool fires within 6 ms of the expected time, 6 ms after the volley before.
    """
    found, before = [], ONSET_MS
    for link in range(links):
        step, _ = np.nonzero(spikes[:, link % POOLS * SIZE :][:, :SIZE])
        times = step * STEP_MS
        times = times[np.abs(times - before - HOP_MS) < HOP_MS]
        known = (times.mean(), times.std()) if times.size else (np.nan, np.nan)
        found.append(Volley(times.size, *map(float, known)))
        before = float(times.mean()) if times.size else before + HOP_MS
    return found


def run(volleys: list[tuple[int, float]], *, closed: bool = False, steps: int = 400) -> Recording:
    """Send volleys, of so many spikes and such a dispersion in ms, into chains of their own."""
    trains = np.stack([volley(*start, steps) for start in volleys], axis=1)
    return Golden(build(closed=closed)).run(trains)


def picture(path: Path) -> None:
    """Draw three volleys, and the way of many in the plane of number and dispersion."""
    shown = {"20 spikes, 3 ms": (20, 3.0), "8 spikes, 0 ms": (8, 0.0), "20 spikes, 9 ms": (20, 9.0)}
    starts = [(a, s) for a in range(6, 21, 2) for s in (0, 1.5, 3, 4.5, 6, 7.5)]
    recording = run([*shown.values(), *starts])
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplot_mosaic([[name, "plane"] for name in shown])
    for sample, name in enumerate(shown):
        step, neuron = np.nonzero(recording.spikes["chain"][:, sample])
        axes[name].scatter(step * STEP_MS, neuron / SIZE, s=2, color="black")
        axes[name].set_title(name, size=9)
        axes[name].set(ylabel="pool", xlim=(20, 90), ylim=(0, POOLS))
    axes["20 spikes, 9 ms"].set_xlabel("time in ms")
    axis = axes["plane"]
    for sample, start in enumerate(starts, start=len(shown)):
        passed = follow(recording.spikes["chain"][:, sample])
        lives = passed[-1].spikes > SIZE // 2
        way = [start, *((v.spikes, v.dispersion) for v in passed)]
        axis.plot(*zip(*way, strict=True), ".-", color="tab:blue" if lives else "tab:red", lw=0.7)
    axis.set_xlabel("spikes in the volley")
    axis.set_ylabel("dispersion in ms")
    axis.set_title("from pool to pool; red ones die out", size=9)
    figure.savefig(path, dpi=110)


@click.command()
def main() -> None:
    """Print what becomes of strong, weak and dispersed volleys, and of one in a ring."""
    starts = [(20, 3.0), (12, 0.0), (8, 0.0), (20, 9.0)]
    spikes = run(starts).spikes["chain"]
    for sample, (number, dispersion) in enumerate(starts):
        passed = follow(spikes[:, sample])
        ways = ", ".join(f"{v.spikes} ({v.dispersion:.2f} ms)" if v.spikes else "0" for v in passed)
        print(f"{number} spikes ({dispersion} ms): {ways}")
    around = follow(run([(20, 0.0)], closed=True, steps=1200).spikes["chain"][:, 0], 4 * POOLS)
    rounds = [v.time for v in around[::POOLS]]
    print("ring, pool 0 fires at", ", ".join(f"{t:.1f}" for t in rounds), "ms")


if __name__ == "__main__":
    main()
