"""Ship 20 of the held-out recordings: the first two of each digit.

Measured: a second.
"""

import argparse
from pathlib import Path

import numpy as np
from events import Recordings, split

EACH = 2


def main() -> None:
    """Write ``samples.npz`` beside this file."""
    parser = argparse.ArgumentParser(description="Ship 20 held-out recordings of N-MNIST.")
    parser.add_argument("--nmnist", type=Path, default=Recordings.default_path())
    recordings = Recordings.load(parser.parse_args().nmnist)
    held_out = split(recordings)["held_out"]
    digits = [held_out[recordings.label[held_out] == digit][:EACH] for digit in range(10)]
    recordings.choose(np.sort(np.concatenate(digits))).save(Path(__file__).parent / "samples.npz")


if __name__ == "__main__":
    main()
