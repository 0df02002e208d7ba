"""The loops of the compiled golden model of a network that learns, on flat arrays."""

from typing import Any

import numba
import numpy as np

from .kernel_tables import Model, Rules, Trains

__all__ = ["run_sample"]

# Numba keeps what it has compiled on disk for as long as this file stays the same, so all loops
# are in it, and the constants of the records 0006 and 0008 are repeated.
_WORD = 0xFFFFFFFF


@numba.njit(cache=True, nogil=True)
def _decayed(number: Any, factor: Any) -> Any:
    product = number * factor
    return (product + ((product >> 63) & 4095)) >> 12


@numba.njit(cache=True, nogil=True)
def _clipped(number: Any, low: Any, high: Any) -> Any:
    return min(max(number, low), high)


@numba.njit(cache=True, nogil=True)
def _hash_of(seed: Any, time: Any, index: int) -> Any:
    word = ((time + 1) & _WORD) * 0x9E3779B9 & _WORD ^ index
    for number in range(4):
        word = word * 9 & _WORD
        word = (word ^ word << 7 ^ word >> 25 ^ word << 17 ^ word >> 15) & _WORD
        word ^= seed << 16 | seed if number == 0 else 0
    return word


@numba.njit(cache=True, nogil=True)
def _rounded(total: Any, r: int, rules: Rules, drawn: Any, shift: Any) -> Any:
    part = drawn & ((1 << shift) - 1) if rules.random[r] else (1 << shift) >> 1
    return (total + part) >> shift


@numba.njit(cache=True, nogil=True)
def _deliver(index: int, model: Model, sent: Any) -> None:
    """Add the rows of the neurons of a population that sent a spike."""
    net, synapses, state = model.net, model.synapses, model.state
    for link in range(synapses.first[index], synapses.first[index + 1]):
        size, start = synapses.size[link], synapses.start[link]
        sums = state.current[start : start + size]
        for i in range(net.end[index] - net.start[index]):
            if sent[net.start[index] + i]:
                at = synapses.offset[link] + i * size
                sums += synapses.weights[at : at + size]


@numba.njit(cache=True, nogil=True)
def _update(index: int, model: Model, sent: Any) -> None:
    """Advance a population as ``NeuronParameters.advance`` does."""
    net, state = model.net, model.state
    low, high = net.low[index], net.high[index]
    best, first = -1, -1
    for j in range(net.start[index], net.end[index]):
        threshold = state.threshold[j]
        charged = _decayed(state.potential[j], state.decay[j])
        charged += (state.current[j] << net.shift[index]) + net.bias[j]
        charged -= threshold if net.delayed[index] and state.fired[j] else 0
        charged -= net.inhibition[index] if state.inhibited[j] else 0
        charged = _clipped(charged, low, high)
        charged = net.reset_value[j] if state.resting[j] > 0 else charged
        above = charged - threshold - state.adaptation[j]
        fires = above + net.inclusive[index] > 0 and state.resting[j] == 0
        after = max(charged, net.minimum[j])
        if fires:
            after = _clipped(above, low, high) if net.subtract[index] else charged
            after = net.reset_value[j] if net.to_value[index] else after
        state.potential[j] = after
        state.resting[j] = net.refractory[j] if fires else max(state.resting[j] - 1, 0)
        grown = _decayed(state.adaptation[j], net.adaptation_decay[j])
        state.adaptation[j] = min(grown + (net.adaptation_step[j] if fires else 0), high)
        state.fired[j] = sent[j] = fires
        state.current[j] = 0
        if fires and above > best:
            best, first = above, j
    if net.winner[index]:
        for j in range(net.start[index], net.end[index]):
            state.inhibited[j] = net.inhibition[index] > 0 and first >= 0 and j != first
            sent[j] = j == first


@numba.njit(cache=True, nogil=True)
def _advance_traces(rows: Any, kept: Any, spikes: Any, drop: int, seen: Any) -> None:
    """Advance traces, of which ``rows`` has decay, increment, whether set, and seen after."""
    for t in range(rows.shape[0]):
        decay, increment, nearest, late = rows[t, 0], rows[t, 1], rows[t, 2], rows[t, 3]
        for i in range(spikes.size if decay >= 0 else 0):
            before = kept[t, i] * decay >> 12
            grown = min((0 if nearest else before) + increment, 65535)
            kept[t, i] = grown if spikes[i] else before
            seen[t + 1, i] = (kept[t, i] if late else before) >> drop


@numba.njit(cache=True, nogil=True)
def _surrogate(r: int, rules: Rules, distance: Any) -> Any:
    far = abs(distance) >> rules.width[r]
    if rules.box[r]:
        return 255 if far < 256 else 0
    if rules.triangle[r]:
        return max(255 - far, 0)
    if rules.exponential[r]:
        return min(255, (256 - ((far & 255) >> 1)) >> min(far >> 8, 62))
    return 255


@numba.njit(cache=True, nogil=True)
def _find_deltas(r: int, model: Model, sent: Any) -> None:
    rules, state, taught = model.rules, model.state, model.taught
    for j in range(rules.post[r]):
        at = rules.target[r] + j
        bar = 0 if sent[at] else state.threshold[at] + state.adaptation[at]
        worth = rules.spike_value[r] if sent[at] and taught.modulator[0] else 0
        error = _clipped(taught.errors[at] - worth, -32768, 32767)
        product = _surrogate(r, rules, state.potential[at] - bar) * error
        model.scratch.delta[j] = (product + ((product >> 63) & 255)) >> 8


@numba.njit(cache=True, nogil=True)
def _send_back(r: int, model: Model) -> None:
    """Add the errors that a projection carries to its source."""
    rules, errors = model.rules, model.taught.errors
    post, shift, own = rules.post[r], rules.back_shift[r], rules.feedback[r] < 0
    weights = model.synapses.weights if own else rules.carriers
    first = rules.offset[r] if own else rules.feedback[r]
    for i in range(rules.pre[r]):
        total = 0
        for j in range(post):
            total += weights[first + i * post + j] * model.scratch.delta[j]
        total = (total + ((total >> 63) & ((1 << shift) - 1))) >> shift
        at = rules.source[r] + i
        errors[at] = _clipped(errors[at] + total, -32768, 32767)


@numba.njit(cache=True, nogil=True)
def _learn_parameters(r: int, model: Model, sent: Any) -> None:
    """Advance the traces of thresholds and leaks, and find what these will be."""
    rules, state, taught = model.rules, model.state, model.taught
    kept, bounds = rules.before[r], rules.bounds[r]
    for j in range(rules.post[r]):
        at, delta = rules.target[r] + j, model.scratch.delta[j]
        decay = state.decay[at]
        bar = _clipped(_decayed(kept[0, j] - (256 if kept[2, j] else 0), decay), -32768, 32767)
        leak = _decayed(kept[1, j], decay) + (kept[3, j] >> rules.leak_shift[r])
        kept[0, j], kept[1, j] = bar, _clipped(leak, -32768, 32767)
        kept[2, j], kept[3, j] = sent[at], state.potential[at]
        if rules.gate[r] and not taught.modulator[0]:
            continue
        drawn, shift = _hash_of(rules.seed[r], taught.time[0], j), rules.threshold_shift[r]
        if shift >= 0:
            change = _rounded(delta * (bar - 256), r, rules, drawn, shift)
            moved = state.threshold[at] + change
            state.next_threshold[at] = _clipped(moved, bounds[0], bounds[1])
        shift = rules.decay_shift[r]
        if shift >= 0:
            change = _rounded(delta * kept[1, j], r, rules, drawn ^ rules.columns[1], shift)
            state.next_decay[at] = _clipped(decay + change, bounds[2], bounds[3])


@numba.njit(cache=True, nogil=True)
def _find_factors(r: int, model: Model, sent: Any, first: int, post: Any) -> None:
    """Find p and q of each term; operand 0 of either side is 1."""
    rules, scratch, potential = model.rules, model.scratch, model.state.potential
    modulator, terms, s = model.taught.modulator[0], rules.terms[r], rules.sdsp[r]
    scratch.live[:] = False
    for k in range(rules.terms_used[r]):
        scale, x = modulator if terms[k, 6] else terms[k, 0], scratch.x[terms[k, 1]]
        for i in range(rules.pre[r]):
            scratch.p[k, i] = scale * x[i]
            if terms[k, 3] and not sent[first + i]:
                scratch.p[k, i] = 0
            scratch.live[i] |= scratch.p[k, i] != 0
        for j in range(post.size):
            factor = scratch.y[min(terms[k, 2], 3), j]
            if terms[k, 2] == 4:
                factor = scratch.delta[j]
            elif terms[k, 2] == 5:
                v, y = potential[rules.target[r] + j], scratch.y[1, j]
                down = v < s[0] and s[3] <= y < s[4]
                factor = 1 if v >= s[0] and s[1] <= y < s[2] else -1 if down else 0
            scratch.q[k, j] = 0 if terms[k, 4] and not post[j] else factor


@numba.njit(cache=True, nogil=True)
def _change(total: Any, into: Any, drawn: int, columns: Any, numbers: Any) -> None:
    """Round sums, add them to a row, and clip it; all in 32 bits."""
    shift, low, high = np.int32(numbers[0]), np.int32(numbers[1]), np.int32(numbers[2])
    random, one = numbers[3], 1 << numbers[0]
    mask, half = np.int32(one - 1 if random else 0), np.int32(0 if random else one >> 1)
    word = np.int32(drawn)
    for j in range(into.size):
        part = np.int32(np.int32(word ^ columns[j]) & mask)
        moved = np.int32(np.int32(total[j] + part) + half) >> shift
        into[j] = min(max(into[j] + moved, low), high)


@numba.njit(cache=True, nogil=True)
def _change_rows(r: int, model: Model) -> None:
    """Change weights, or eligibilities, in rows and columns where a term is not 0."""
    rules, scratch = model.rules, model.scratch
    post, first, last = rules.post[r], rules.post[r], 0
    for j in range(post):
        for k in range(rules.terms_used[r]):
            if scratch.q[k, j] != 0:
                first, last = min(first, j), j + 1
    numbers = (rules.shift[r], rules.change_low[r], rules.change_high[r], rules.random[r])
    columns, total = rules.columns[first:last], scratch.total[first:last]
    for i in range(rules.pre[r] if first < last else 0):
        if not scratch.live[i]:
            continue
        at = rules.offset[r] + i * post
        row = model.synapses.weights[at + first : at + last]
        total[:] = 0
        for k in range(rules.terms_used[r]):
            dependence, p = rules.terms[r, k, 5], scratch.p[k, i]
            side, edge = (0, 1, -1)[dependence], (1, -rules.low[r], rules.high[r])[dependence]
            q = scratch.q[k, first:last]
            for j in range(row.size if p != 0 else 0):
                total[j] += p * q[j] * (side * row[j] + edge)
        into = rules.waiting[at + first : at + last] if rules.eligible[r] else row
        drawn = _hash_of(rules.seed[r], model.taught.time[0], i) if rules.random[r] else 0
        _change(total, into, drawn, columns, numbers)


@numba.njit(cache=True, nogil=True)
def _reward(r: int, model: Model) -> None:
    """Decay the eligibilities at the end of an epoch, and change weights after a reward."""
    rules, weights, taught = model.rules, model.synapses.weights, model.taught
    first, post = rules.offset[r], rules.post[r]
    if (taught.time[0] + 1) % rules.epoch[r] == 0:
        for at in range(first, first + rules.pre[r] * post):
            rules.waiting[at] = _decayed(rules.waiting[at], rules.waiting_decay[r])
    for i in range(rules.pre[r] if taught.modulator[0] else 0):
        drawn = _hash_of((rules.seed[r] + 1) & 0xFFFF, taught.time[0], i)
        for j in range(post):
            at, word = first + i * post + j, drawn ^ rules.columns[j]
            product = taught.modulator[0] * rules.waiting[at]
            moved = weights[at] + _rounded(product, r, rules, word, rules.reward_shift[r])
            weights[at] = _clipped(moved, rules.low[r], rules.high[r])


@numba.njit(cache=True, nogil=True)
def _learn(model: Model, sent: Any) -> None:
    """Let every projection learn from a step, one after the other."""
    rules, state = model.rules, model.state
    for r in range(rules.enabled.size):
        if not rules.enabled[r]:
            continue
        if rules.taught[r]:
            _find_deltas(r, model, sent)
        if rules.back_shift[r] >= 0:
            _send_back(r, model)
        if rules.learns_parameters[r]:
            _learn_parameters(r, model, sent)
        first, target, scratch = rules.source[r], rules.target[r], model.scratch
        pre, post = sent[first : first + rules.pre[r]], sent[target : target + rules.post[r]]
        _advance_traces(rules.pre_traces[r], rules.x[r], pre, rules.drop[r], scratch.x)
        _advance_traces(rules.post_traces[r], rules.y[r], post, rules.drop[r], scratch.y)
        if model.taught.modulator[0] or not rules.gate[r]:
            _find_factors(r, model, sent, first, post)
            _change_rows(r, model)
        if rules.eligible[r]:
            _reward(r, model)
    state.threshold[:] = state.next_threshold
    state.decay[:] = state.next_decay


@numba.njit(cache=True, nogil=True)
def run_sample(model: Model, trains: Trains, learning: bool) -> None:
    """Run the steps of a sample, whose spikes of inputs are there."""
    phase, taught = model.net.phase, model.taught
    for step in range(len(trains.spikes)):
        sent, first = trains.spikes[step], 0
        while first < phase.size:
            last = first
            while last < phase.size and phase[last] == phase[first]:
                if phase[last] >= 0:
                    _update(last, model, sent)
                last += 1
            for index in range(first, last):
                _deliver(index, model, sent)
            first = last
        if len(trains.potentials):
            trains.potentials[step] = model.state.potential
        if learning:
            taught.modulator[0] = trains.modulator[step]
            taught.errors[:] = 0
            if len(trains.errors):
                taught.errors[:] = trains.errors[step]
            _learn(model, sent)
        taught.time[0] += 1
