"""The tables of a program, executed as design paper 0006 says, in plain integers."""

from collections import defaultdict

from spikeloom_hw.config import ChipConfig, Walk
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core, regions

__all__ = ["CoreTables", "TableMachine"]


class CoreTables:
    """Executes the tables of one core, one event at a time.

    Parameters
    ----------
    program : Program
        The program.
    core : int
        The core.

    Attributes
    ----------
    tables : dict of str to dict of str to array
        Its memories, by the names that they have on core 0.
    sums : dict of (slot, row, lane) to int
        The accumulators.
    operations, requests : int
        What was counted on the way.
    """

    def __init__(self, program: Program, core: int) -> None:
        config: ChipConfig = program.config
        self.lanes, self.update_lanes = config.core.lanes, config.core.update_lanes
        self.slots = config.core.delay_slots
        self.weight_depth = 1 << (config.core.weight_rows - 1).bit_length()
        self.row_depth = 1 << (config.core.neuron_rows - 1).bit_length()
        known, images = regions(config), program.images
        names = {name.partition("@")[0] for name in known}
        self.tables = {
            name: unpack_rows(known[on_core(name, core)].layout, images[on_core(name, core)])
            for name in names
            if on_core(name, core) in images
        }
        self.sums: dict[tuple[int, int, int], int] = defaultdict(int)
        self.operations = self.requests = 0

    def wants(self, source: int) -> bool:
        """Whether events of a source pass its filter."""
        bits = self.tables.get("filter")
        return bits is None or bool(bits[""].ravel()[source])

    def event(self, source: int, index: int, value: int, step: int) -> None:
        """Take an event of the bus, in a time step, and add what it brings."""
        entry = self._row("sources", source)
        if index >= entry["size"]:
            raise ValueError(f"Source {source} has {entry['size']} indices, not {index}")
        for number in range(entry["first"], entry["first"] + entry["count"]):
            job = self._row("projections", number)
            slot = (step + job.get("delay", 0)) % self.slots
            kind = job.get("kind", Walk.DENSE)
            if kind == Walk.DENSE:
                self.operations += job["size"]
                at = job["weight_row"] + index * job["blocks"]
                self._run(at, job["row"], job["blocks"], (slot, value))
            elif kind == Walk.CONVOLUTION:
                self._convolution(job, entry, index, (slot, value))
            else:
                self._sparse(job["weight_row"] + index * job["blocks"], slot, value)

    def neurons(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Row and lane of each neuron that can send, by source and index on the bus."""
        if "populations" not in self.tables:
            return {}
        lanes, width = self.lanes, self.update_lanes
        found: dict[tuple[int, int], tuple[int, int]] = {}
        for number in range(len(self.tables["populations"]["row"])):
            entry = self._row("populations", number)
            for group in range(entry["last_group"] + 1):
                part = group & entry["period"]
                mask = (1 << width) - 1 if part < entry["full"] else entry["tail"]
                mask = 0 if part > entry["full"] else mask
                for lane in (lane for lane in range(width) if mask >> lane & 1):
                    place = group * width + lane
                    index = entry.get("base", 0) * lanes + place
                    at = divmod(entry["row"] * lanes + place, lanes)
                    if (entry["source"], index) in found:
                        raise ValueError(f"Source {entry['source']} sends index {index} twice")
                    found[entry["source"], index] = at
        return found

    def _row(self, table: str, row: int) -> dict[str, int]:
        return {name: int(column[row]) for name, column in self.tables[table].items()}

    def _convolution(
        self, job: dict[str, int], entry: dict[str, int], index: int, added: tuple[int, int]
    ) -> None:
        pixel, channel = index >> entry["channel_bits"], index % (1 << entry["channel_bits"])
        line = pixel * entry["reciprocal"] >> 18
        column = pixel - line * entry["width"]
        if column >= entry["width"]:
            line, column = line + 1, column - entry["width"]
        inner = self._row("channels", job["channels"] + channel)
        down = self._row("lines", job["lines"] + line)
        across = self._row("columns", job["columns"] + column)
        for i in range(down["count"]):
            for j in range(across["count"]):
                weight = job["weight_row"] + inner["weight"] + down["weight"] + across["weight"]
                weight += i * job["line_weight"] + j * job["column_weight"]
                row = job["row"] + inner["row"] + down["row"] + across["row"]
                row += i * job["line_row"] + j * job["column_row"]
                self.operations += job["size"]
                self._run(weight, row, inner["count"], added)

    def _run(self, weight: int, row: int, count: int, added: tuple[int, int]) -> None:
        slot, value = added
        for block in range(count):
            self.requests += 1
            weights = self.tables["weights"][""][(weight + block) % self.weight_depth]
            for lane, one in enumerate(weights.tolist()):
                self.sums[slot, (row + block) % self.row_depth, lane] += one * value

    def _sparse(self, pointer: int, slot: int, value: int) -> None:
        entry = self._row("pointers", pointer)
        self.operations += entry["size"]
        for word in range(entry["first"], entry["first"] + entry["words"]):
            self.requests += 1
            synapses = {name: c[word].tolist() for name, c in self.tables["synapses"].items()}
            delays = synapses.get("delay", [0] * len(synapses["row"]))
            lanes = zip(synapses["weight"], synapses["row"], delays, strict=True)
            for lane, (weight, row, delay) in enumerate(lanes):
                self.sums[(slot + delay) % self.slots, row, lane] += weight * value


class TableMachine:
    """Executes the tables of all cores.

    Parameters
    ----------
    program : Program
        The program.

    Attributes
    ----------
    cores : list of CoreTables
        The cores.
    home : dict of (source, index) to (core, row, lane)
        Where each neuron is, by what it sends.
    """

    def __init__(self, program: Program) -> None:
        self.cores = [CoreTables(program, core) for core in range(program.config.all_cores)]
        self.slots = program.config.core.delay_slots
        self.home: dict[tuple[int, int], tuple[int, int, int]] = {}
        for number, core in enumerate(self.cores):
            for sent, (row, lane) in core.neurons().items():
                if sent in self.home:
                    raise ValueError(f"Two cores send index {sent[1]} of source {sent[0]}")
                self.home[sent] = number, row, lane

    @property
    def operations(self) -> int:
        """Synaptic operations of all cores."""
        return sum(core.operations for core in self.cores)

    @property
    def requests(self) -> int:
        """Rows of weights that all cores have walked."""
        return sum(core.requests for core in self.cores)

    def event(self, source: int, index: int, value: int, step: int) -> None:
        """Put an event on the bus; every core takes it that its filter lets."""
        for core in self.cores:
            if core.wants(source):
                core.event(source, index, value, step)

    def sums(self) -> dict[tuple[int, int, int, int], int]:
        """Accumulators that are not 0, by core, slot, row and lane."""
        return {
            (number, *place): total
            for number, core in enumerate(self.cores)
            for place, total in core.sums.items()
            if total
        }
