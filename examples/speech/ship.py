"""Ship the input spikes of 20 test recordings: two of each digit, of several speakers.

Measured: 3 s.
"""

import argparse
from pathlib import Path

import numpy as np
from front import Recordings, all_levels, encode

TEST = 5
STRIDE, APART = 3, 15


def main() -> None:
    """Write ``samples.npz`` beside this file: packed spikes, labels and rows of the data set."""
    parser = argparse.ArgumentParser(description="Ship 20 test recordings as spikes.")
    parser.add_argument("--fsdd", type=Path, default=Recordings.default_path())
    recordings = Recordings.load(parser.parse_args().fsdd)
    test = recordings.index < TEST
    rows = []
    for digit in range(10):
        spoken = np.flatnonzero(test & (recordings.label == digit))
        rows += [spoken[(STRIDE * digit + k) % len(spoken)] for k in (0, APART)]
    picked = np.array(rows, np.uint16)
    np.savez_compressed(
        Path(__file__).parent / "samples.npz",
        spikes=np.packbits(encode(all_levels(recordings)[picked]), axis=-1),
        labels=recordings.label[picked],
        rows=picked,
    )


if __name__ == "__main__":
    main()
