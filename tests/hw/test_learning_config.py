import json
from typing import Any

import pytest
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.entry import rules_depth
from spikeloom_hw.learning.layout import (
    built,
    entry_layout,
    operand_shape,
    post_layout,
    rule_layout,
    rule_words,
)
from spikeloom_hw.learning.ports import ports_of
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.registers import regions

ALL: dict[str, Any] = dict.fromkeys(
    ("dependence", "errors", "sdsp", "back", "neurons", "eligibility"), True
)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"entries": 3}, "^Entries must be one of 1, 2, 4, 8, 16, 32, 64, 128, 256, not 3$"),
        ({"terms": 5}, "^Terms must lie between 1 and 4, not 5$"),
        ({"operand_width": 5}, "^Operand width must be one of 6, 7, 8, 9, 10, not 5$"),
        ({"back": True}, "^A learning engine with 'back' needs errors$"),
        ({"neurons": True}, "^A learning engine with 'neurons' needs errors$"),
        ({"sum_width": 33}, "^Sum width must lie between 2 and 32, not 33$"),
        (
            {"eligibility": True, "products": False},
            "^A learning engine with 'eligibility' needs products$",
        ),
        (
            {"sdsp": True, "post_traces": 0},
            "^A learning engine with 'sdsp' needs a postsynaptic trace$",
        ),
    ],
)
def test_a_structure_that_cannot_be_is_refused(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LearningConfig(**members)


def test_sparse_projections_that_learn_need_their_memories() -> None:
    engine = LearningConfig(sparse=True)
    message = "^A learning engine with 'sparse' needs pointers and synapse rows$"
    with pytest.raises(ValueError, match=message):
        ports_of(CoreConfig(learning=engine))
    sizes: Any = {"pointers": 8, "synapse_rows": 16}
    learns, fixed = (CoreConfig(learning=kind, **sizes) for kind in (engine, LearningConfig()))
    widths = [Shape.cast(regions(ChipConfig(c))["synapses"].layout).width for c in (learns, fixed)]
    assert widths[0] == widths[1] + learns.lanes
    assert {"pointers", "synapses"} <= set(ports_of(learns)) - set(ports_of(fixed))
    assert "sparse" in rule_layout(learns).members and "sparse" not in rule_layout(fixed).members
    # Other engines keep their hash.
    assert ChipConfig(learns).to_dict()["core"]["learning"]["sparse"]
    assert "sparse" not in ChipConfig(fixed).to_dict()["core"]["learning"]


def test_a_part_is_there_or_not() -> None:
    wrong: Any = 1
    with pytest.raises(TypeError, match="^errors must be True or False, not 1$"):
        LearningConfig(errors=wrong)


def test_a_core_without_an_engine_has_nothing_of_it() -> None:
    core = CoreConfig()
    assert "learning" not in ChipConfig(core).to_dict()["core"]
    assert not {"rules", "pre", "post", "clock"} & set(regions(ChipConfig(core)))
    with pytest.raises(ValueError, match="^The core has no learning engine: give CoreConfig a "):
        built(core)


def test_an_entry_holds_only_what_the_engine_has() -> None:
    least = CoreConfig(learning=LearningConfig(terms=1, pre_traces=0, post_traces=0))
    members = set(rule_layout(least).members)
    assert members >= {"enabled", "last", "weight_row", "term0_coefficient", "shift"}
    assert not any(name.startswith(("x", "y", "term1", "surrogate", "back")) for name in members)
    assert not {"pre", "post"} & set(ports_of(least))
    most = CoreConfig(learning=LearningConfig(terms=4, pre_traces=2, post_traces=3, **ALL))
    members = set(rule_layout(most).members)
    assert members >= {"x2_decay", "y3_seen", "term3_dependence", "epoch", "threshold", "back_row"}
    assert set(ports_of(most)) >= {"pre", "post", "eligibility", "epochs"}


def test_constants_are_in_no_entry() -> None:
    core = CoreConfig(learning=LearningConfig(constants={"shift": 7, "low": -128, "x1_kind": 1}))
    kept = dict(entry_layout(core).members)
    assert set(rule_layout(core).members) - set(kept) == {"shift", "low", "x1_kind"}
    again = ChipConfig.from_dict(json.loads(json.dumps(ChipConfig(core).to_dict())))
    assert again.core == core


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("enabled", 1, "'enabled' cannot be a constant of the entries of this engine"),
        ("x3_kind", 1, "'x3_kind' cannot be a constant of the entries of this engine"),
        ("low", -129, "Constant 'low' of a learning engine must lie between -128 and 127, "),
    ],
)
def test_a_constant_that_cannot_be_is_refused(name: str, value: int, message: str) -> None:
    core = CoreConfig(learning=LearningConfig(constants={name: value}))
    with pytest.raises(ValueError, match=f"^{message}"):
        entry_layout(core)


def test_the_threshold_is_in_the_entry_unless_neurons_have_their_own() -> None:
    learning = LearningConfig(errors=True)
    shared = CoreConfig(learning=learning)
    own = CoreConfig(learning=learning, fields=Fields({"threshold": Per.NEURON}))
    assert "threshold" in rule_layout(shared).members
    assert "threshold" not in rule_layout(own).members


def test_factors_are_as_wide_as_what_they_hold() -> None:
    plain = CoreConfig(learning=LearningConfig(operand_width=10))
    taught = CoreConfig(learning=LearningConfig(errors=True))
    masks = CoreConfig(learning=LearningConfig(products=False))
    assert operand_shape(masks).width == 16
    assert (operand_shape(plain).width, operand_shape(taught).width) == (11, 16)
    assert plain.value_width == 8
    assert taught.value_width == 16


def test_the_memory_of_entries_is_that_of_the_address_map() -> None:
    for learning in (LearningConfig(), LearningConfig(terms=4, **ALL)):
        core = CoreConfig(learning=learning)
        region = regions(ChipConfig(core))["rules"]
        assert region.words == rule_words(core)
        assert region.rows * region.stride == rules_depth(core)
        assert regions(ChipConfig(core))["post"].words == -(
            -Shape.cast(post_layout(core)).width // 32
        )
