import pytest
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import FIELDS, Constant, Fields, Per
from spikeloom_hw.registers import (
    CORE_STRIDE,
    FABRIC,
    ID,
    Control,
    Errors,
    Register,
    Status,
    regions,
)
from spikeloom_sim.structures import STRUCTURES

CONFIGS = [
    ChipConfig(),
    ChipConfig(CoreConfig(fields=Fields(dict.fromkeys(("bias", "decay"), Per.NEURON)))),
    ChipConfig(CoreConfig(lanes=128, update_lanes=32, accumulator_width=32, neuron_rows=1 << 14)),
    ChipConfig(CoreConfig(lanes=1, update_lanes=1, weight_rows=1 << 18, sources=512)),
    ChipConfig(CoreConfig(taps=1 << 14, pointers=1 << 16, synapse_rows=1 << 16, delay_slots=64)),
    *(ChipConfig(core) for core in STRUCTURES.values()),
    ChipConfig(STRUCTURES["everything"], cores=7, parents=(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3)),
    ChipConfig(parents=tuple(range(111))),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_regions_do_not_overlap(config: ChipConfig) -> None:
    spans = sorted((r.base, r.base + r.rows * r.stride) for r in regions(config).values())
    assert all(end <= begin for (_, end), (begin, _) in zip(spans, spans[1:], strict=False))


@pytest.mark.parametrize("config", CONFIGS)
def test_a_row_has_room_for_its_words(config: ChipConfig) -> None:
    for region in regions(config).values():
        assert 32 * region.words >= Shape.cast(region.layout).width > 32 * (region.words - 1)
        assert region.words <= region.stride < 2 * region.words
        assert region.stride & (region.stride - 1) == 0


@pytest.mark.parametrize("config", CONFIGS)
def test_no_region_lies_among_the_system_registers(config: ChipConfig) -> None:
    assert all(region.base >> 24 for region in regions(config).values())
    assert all(register < 1 << 8 for register in Register)


def test_parameters_per_neuron_have_a_memory_only_if_there_are_any() -> None:
    assert "neurons" not in regions(CONFIGS[0])
    assert "neurons" in regions(CONFIGS[1])
    constants = Fields(dict.fromkeys(FIELDS, Constant(0)))
    assert "neurons" not in regions(ChipConfig(CoreConfig(fields=constants)))


@pytest.mark.parametrize(
    ("structure", "memories"),
    [
        ("one lane", set()),
        ("sparse with delays", {"time"}),
        ("competing", {"time", "winners"}),
        ("everything", {"time", "winners"}),
    ],
)
def test_time_and_winners_are_there_where_a_step_depends_on_them(
    structure: str, memories: set[str]
) -> None:
    known = regions(ChipConfig(STRUCTURES[structure])).keys()
    assert {"time", "winners"} & known == memories


@pytest.mark.parametrize(
    ("structure", "tables"),
    [
        ("one lane", set()),
        ("convolutions", {"channels", "lines", "columns"}),
        ("sparse with delays", {"pointers", "synapses"}),
        ("everything", {"channels", "lines", "columns", "pointers", "synapses"}),
    ],
)
def test_walkers_have_their_tables_and_no_others(structure: str, tables: set[str]) -> None:
    every = {"channels", "lines", "columns", "pointers", "synapses"}
    assert every & regions(ChipConfig(STRUCTURES[structure])).keys() == tables


def test_the_memories_of_every_core_and_chip_have_names() -> None:
    known = regions(ChipConfig(cores=2, parents=(0,)))
    alone = regions(ChipConfig())
    named = {f"{name}{suffix}" for name in alone for suffix in ("", "@1", "@2", "@3")}
    named -= {f"{name}@{g}" for name in FABRIC for g in range(1, 4)}
    assert known.keys() == named | {"filter", "filter@1", "filter@2", "filter@3", "up@1", "down@1"}
    assert known["weights@3"].base == known["weights"].base + 3 * CORE_STRIDE
    assert all(known[name] == alone[name] for name in alone)


def test_every_delay_slot_has_its_accumulators() -> None:
    core = CoreConfig(neuron_rows=12, delay_slots=4)
    assert regions(ChipConfig(core))["accumulators"].rows == 4 * 16


def test_every_register_has_a_meaning_of_one_sentence() -> None:
    for register in Register:
        assert register.meaning.endswith(".")
    assert len({register.meaning for register in Register}) == len(Register)


def test_each_flag_is_one_bit() -> None:
    for flags in (Control, Errors, Status):
        assert [flag.value for flag in flags] == [1 << k for k in range(len(flags))]


def test_the_identity_reads_spkl() -> None:
    assert ID.to_bytes(4, "big") == b"SPKL"
