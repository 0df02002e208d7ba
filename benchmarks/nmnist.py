"""The convolutional example on events of N-MNIST: accuracy, and the counters of its Verilog.

Measured on two cores: two minutes, most of it the first compilation.
"""

import click
from _examples import load, report_accuracy, report_hardware


@click.command()
@click.option("--target", default="generic-16", show_default=True)
def main(target: str) -> None:
    """Print accuracy and counters."""
    print(
        "N-MNIST: 2 x 34 x 34 events, convolutions of 5 x 5 to 16 x 17 x 17 and of 3 x 3 to "
        "32 x 9 x 9\nneurons, dense to 10; integrate-and-fire, 16 steps of 20 ms, 8-bit weights "
        "(goal: 97 % of the held-out)"
    )
    example = load("nmnist")
    report_accuracy(example)
    report_hardware(example, target)


if __name__ == "__main__":
    main()
