import numpy as np
import pytest

from spikeloom_hw.archive import write_archive
from spikeloom_sim.recording import Difference, Recording


def recording(seed=0, shape=(6, 3, 11), names=("hidden", "out")):
    rng = np.random.default_rng(seed)
    return Recording({name: rng.random(shape) < 0.3 for name in names})


def changed(original, *places):
    copy = Recording({name: spikes.copy() for name, spikes in original.spikes.items()})
    for name, where in places:
        copy.spikes[name][where] ^= True
    return copy


def test_counts_sum_over_steps():
    spikes = np.zeros((300, 2, 2), bool)
    spikes[:, 0, 1] = True
    spikes[::2, 1, 0] = True
    counts = Recording({"out": spikes}).counts("out")
    assert counts.tolist() == [[0, 300], [150, 0]]
    assert counts.dtype == np.int64
    message = "^Spikes of 'x' were not recorded, but those of 'hidden', 'out'$"
    with pytest.raises(ValueError, match=message):
        recording().counts("x")


def test_counts_of_several_spikes_a_step_add_up():
    spikes = np.full((300, 1, 2), 31, np.uint8)
    assert Recording({"out": spikes}).counts("out").tolist() == [[9300, 9300]]


def test_equal_recordings_do_not_differ():
    assert recording().difference(changed(recording())) is None


@pytest.mark.parametrize(
    ("places", "first"),
    [
        ([("out", (2, 1, 4))], (2, 1, "out", 4)),
        # The earlier step, though in a later population.
        ([("hidden", (3, 0, 0)), ("out", (2, 1, 4))], (2, 1, "out", 4)),
        # The earlier population, though a later sample.
        ([("hidden", (2, 2, 9)), ("out", (2, 0, 0))], (2, 2, "hidden", 9)),
        # The earlier sample, though a later neuron.
        ([("hidden", (2, 1, 0)), ("hidden", (2, 0, 9))], (2, 0, "hidden", 9)),
        ([("hidden", (2, 1, 8)), ("hidden", (2, 1, 7))], (2, 1, "hidden", 7)),
    ],
)
def test_the_first_difference_is_found(places, first):
    expected = recording()
    step, sample, name, neuron = first
    was = int(expected.spikes[name][step, sample, neuron])
    found = expected.difference(changed(expected, *places))
    assert found == Difference(step, sample, name, neuron, was, 1 - was)


def test_a_difference_reads_as_a_sentence():
    difference = Difference(4, 1, "hidden", 17, 1, 0)
    assert str(difference) == (
        "step 4, sample 1, population 'hidden', neuron 17: expected 1, got 0"
    )


def test_only_what_both_hold_is_compared():
    both = recording()
    one = Recording({"out": both.spikes["out"].copy()})
    assert both.difference(one) is None
    assert one.difference(both) is None
    message = "^Recordings of 'hidden', 'out' and of 'other' have no population in common$"
    with pytest.raises(ValueError, match=message):
        both.difference(recording(names=("other",)))


def with_values(seed=0):
    made = recording(seed)
    made.values["level"] = np.random.default_rng(seed).integers(-900, 900, (6, 3, 2))
    return made


def test_values_are_compared_as_spikes_are():
    expected, got = with_values(), with_values()
    assert expected.difference(got) is None
    got.values["level"][4, 2, 1] += 1
    was = int(expected.values["level"][4, 2, 1])
    assert expected.difference(got) == Difference(4, 2, "level", 1, was, was + 1)
    got.spikes["out"][4, 2, 10] ^= True
    first = expected.difference(got)
    assert first is not None and first[:4] == (4, 2, "out", 10)
    got.values["level"][3, 2, 1] -= 5
    was = int(expected.values["level"][3, 2, 1])
    assert expected.difference(got) == Difference(3, 2, "level", 1, was, was - 5)


def test_values_alone_can_be_compared():
    one, other = with_values(), with_values()
    one.spikes.clear()
    assert one.difference(other) is None
    other.values["level"] = other.values["level"][:, :2]
    message = (
        r"^Values of 'level' must have the same shape to be compared, "
        r"not \(6, 3, 2\) and \(6, 2, 2\)$"
    )
    with pytest.raises(ValueError, match=message):
        one.difference(other)


def test_a_difference_of_counts_tells_them():
    expected = Recording({"out": np.full((1, 1, 1), 3, np.uint8)})
    got = Recording({"out": np.full((1, 1, 1), 2, np.uint8)})
    assert expected.difference(got) == Difference(0, 0, "out", 0, 3, 2)


def test_recordings_of_other_shapes_cannot_be_compared():
    message = (
        r"^Spikes of 'hidden' must have the same shape to be compared, "
        r"not \(6, 3, 11\) and \(5, 3, 11\)$"
    )
    with pytest.raises(ValueError, match=message):
        recording().difference(recording(shape=(5, 3, 11)))


def test_a_recording_is_saved_and_loaded(tmp_path):
    original = with_values()
    original.spikes["counts"] = np.arange(18, dtype=np.uint8).reshape(6, 3, 1)
    original.potentials["out"] = np.arange(12).reshape(2, 2, 3)
    original.counters["events"] = 12
    path = tmp_path / "run.npz"
    original.save(path)
    loaded = Recording.load(path)
    assert list(loaded.spikes) == ["hidden", "out", "counts"]
    for name, spikes in original.spikes.items():
        assert loaded.spikes[name].dtype == spikes.dtype
        np.testing.assert_array_equal(loaded.spikes[name], spikes)
    np.testing.assert_array_equal(loaded.potentials["out"], original.potentials["out"])
    np.testing.assert_array_equal(loaded.values["level"], original.values["level"])
    assert loaded.counters == {"events": 12}


def test_a_recording_of_an_older_version_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    write_archive(path, ("recording", 1), {}, {})
    message = f"^{path} is a recording file of version 1; this Spikeloom reads version 2$"
    with pytest.raises(ValueError, match=message):
        Recording.load(path)


def test_a_recording_cut_short_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    recording().save(path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=f"^{path} is not a complete recording file$"):
        Recording.load(path)
