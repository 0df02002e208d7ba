"""A whole run as one byte string, for testbenches that have no host."""

from collections.abc import Mapping
from typing import Unpack

import numpy as np

from spikeloom_hw.host.frame import MAXIMUM_WORDS, Frame, FrameReader, FrameType
from spikeloom_hw.program import Program
from spikeloom_hw.registers import CHIP_BITS, Control, Errors, Register, regions
from spikeloom_sim.learning import Teaching
from spikeloom_sim.recording import Recording

from ..errors import DeviceError, LinkError
from .memories import LINK_FAILED, counters_of
from .teaching import check_teaching, encode_lesson
from .words import StepDecoder, encode_steps

__all__ = ["read_run", "script_of"]

_NONCE = 1


def script_of(
    program: Program, spikes: Mapping[str, np.ndarray], **teaching: Unpack[Teaching]
) -> bytes:
    """Bytes that load a program, run one sample through it, and read the counters.

    They suppose a link without faults, whose device makes the host wait by not taking bytes.

    Parameters
    ----------
    program : Program
        Program to load.
    spikes : Mapping of str to (steps, neurons) array
        Spikes or values of every input population.
    **teaching
        ``modulator`` and ``errors`` for a program that learns.
    """
    payloads: list[tuple[FrameType, tuple[object, ...]]] = [(FrameType.PING, (_NONCE,))]

    def write(address: int, words: np.ndarray) -> None:
        for k in range(0, len(words), MAXIMUM_WORDS):
            part = words[k : k + MAXIMUM_WORDS]
            payloads.append((FrameType.WRITE, (address + k, part)))

    for name, image in program.images.items():
        region = regions(program.config)[name]
        padded = np.pad(image, ((0, 0), (0, region.stride - region.words)))
        write(region.base, padded.ravel())
    bits = Control.CLEAR | Control.ZERO_COUNTERS
    for chip in range(program.config.chips):
        told = Control.ZERO_COUNTERS if chip else bits
        write(chip << CHIP_BITS | Register.CONTROL, np.array([told.value], np.uint32))
    steps = len(next(iter(spikes.values())))
    lesson = check_teaching(program, teaching, steps)
    taught = () if lesson is None else encode_lesson(lesson, program, np.arange(steps))
    words = encode_steps(spikes, program.inputs, taught)
    for k in range(0, len(words), MAXIMUM_WORDS):
        payloads.append((FrameType.EVENTS, (words[k : k + MAXIMUM_WORDS],)))
    first, last = Register.EVENTS_IN, Register.ROWS
    for register, count in ((Register.ERRORS, 1), (first, last - first + 1)):
        for chip in range(program.config.chips):
            payloads.append((FrameType.READ, (chip << CHIP_BITS | register.value, count)))
    frames = (Frame.of_words(kind, k, *payload) for k, (kind, payload) in enumerate(payloads))
    return b"".join(frame.encode() for frame in frames)


def read_run(program: Program, output: bytes, steps: int) -> Recording:
    """Read what a device answered to :func:`script_of`.

    Raises
    ------
    LinkError
        If the answer is not whole, or the device reported an error.
    DeviceError
        If a link between chips gave up.
    """
    decoder = StepDecoder(program.recorded, steps, 0)
    answers = []
    for frame in FrameReader().feed(output):
        if frame.type == FrameType.DEVICE_EVENTS:
            decoder.feed(frame.words)
        elif frame.type == FrameType.DATA:
            answers.append(frame.words[1:])
    chips = program.config.chips
    errors = [int(answer[0]) for answer in answers[:chips]]
    if errors and errors[0] & Errors.LINK_ERR:
        raise DeviceError(LINK_FAILED)
    if decoder.done != steps or len(answers) != 2 * chips or any(errors):
        raise LinkError(
            f"The device answered {decoder.done} of {steps} steps and {len(answers)} of "
            f"{2 * chips} reads, with error bits {errors}"
        )
    spikes = {name: array[:, None] for name, array in decoder.spikes.items()}
    values = {name: array[:, None] for name, array in decoder.values.items()}
    return Recording(spikes, values=values, counters=counters_of(*answers[chips:]))
