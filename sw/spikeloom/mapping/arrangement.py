"""How many cores to try, and how chips hang together."""

from collections.abc import Iterator

from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig

from ..errors import MappingError
from ..room import Arrangement

__all__ = ["arrangements", "existing", "tree"]

_CHILDREN = 4


def tree(chips: int) -> tuple[int, ...]:
    """Parents of so many chips, four of which hang on one."""
    return tuple((chip - 1) // _CHILDREN for chip in range(1, chips))


def existing(config: ChipConfig, cores: int | None, chips: int | None) -> Arrangement:
    """Cores of hardware that exists already.

    Raises
    ------
    MappingError
        If other numbers are asked for.
    """
    for what, asked, there in (
        ("cores on a chip", cores, config.cores),
        ("chips", chips, config.chips),
    ):
        if asked is not None and asked != there:
            raise MappingError(
                f"The hardware has {there} {what}, not {asked}; leave the number out, or generate "
                f"hardware for this network"
            )
    return Arrangement(config.cores, config.parents)


def arrangements(
    target: Target, cores: int | None, chips: int | None, least: int
) -> Iterator[Arrangement]:
    """Give the numbers of cores to try, the least first.

    Parameters
    ----------
    target : Target
        Shape of the hardware.
    cores, chips : int or None
        Cores of each chip, and chips, if they are given.
    least : int
        Cores that there have to be in all.

    Raises
    ------
    MappingError
        If more is asked for than the target has.
    """
    for what, asked, most in (
        ("cores on a chip", cores, target.cores),
        ("chips", chips, target.chips),
    ):
        if asked is not None and not 1 <= asked <= most:
            raise MappingError(
                f"Target {target.name!r} has from 1 to {most} {what}, not {asked}; "
                f"choose another number or another target"
            )
    advice = _advice(target, cores, chips)
    before = 0
    for number in (chips,) if chips else range(1, target.chips + 1):
        for each in (cores,) if cores else range(1, target.cores + 1):
            count = each * number
            fine = count >= least and (cores is not None or count > before)
            if fine and (number == 1 or chips or cores or count > target.cores):
                before = count
                yield Arrangement(each, tree(number), advice)
        if cores and not chips:
            return
    if before == 0:
        raise MappingError(
            f"Core {least - 1} is pinned, but there are {(cores or target.cores) * (chips or 1)} "
            f"cores from 0 on; ask for more cores or chips, or pin to others"
        )


def _advice(target: Target, cores: int | None, chips: int | None) -> str:
    """What to do where a core has too little room."""
    single = Arrangement().advice
    if target.cores == target.chips == 1:
        return single
    more = (cores or target.cores) < target.cores or (chips is not None and chips < target.chips)
    if more and not target.shared:
        return f"ask for more cores or chips, or {single}"
    return single
