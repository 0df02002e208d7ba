"""The recurrent example on spoken digits: accuracy, and the counters of its Verilog.

Measured on two cores: two minutes, most of it the first compilation.
"""

import click
from _examples import load, report_accuracy, report_hardware


@click.command()
@click.option("--target", default="generic-16", show_default=True)
def main(target: str) -> None:
    """Print accuracy and counters."""
    print(
        "Free Spoken Digit Dataset: 120 inputs, 128 adaptive neurons connected to themselves, "
        "10 integrators\nthat are read out after every step; 64 steps of 12.5 ms, 8-bit weights"
    )
    example = load("speech")
    report_accuracy(example)
    report_hardware(example, target)


if __name__ == "__main__":
    main()
