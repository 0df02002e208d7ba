// One C interface to a compiled chip, whichever of the two compilers made it.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

// Says how many pairs of byte streams there are (STREAMS), and their ports: EACH_STREAM(DO) is, for
// each pair, DO(number, valid in, payload in, ready in, valid out, payload out, ready out), and
// EACH_LOST(DO) is DO(number, pin) for each that can be told that the other end has left.
#include "streams.h"

namespace {

// A pair of byte streams in a cycle.
struct Stream {
    bool offers = false, takes = false, lost = false;
    uint8_t byte = 0;
    uint32_t ready = 0, valid = 0, payload = 0;
};

}  // namespace

#ifdef WITH_CXXRTL
#include "design.cc"

// A cycle is one evaluation, as no input depends on an output of the same cycle: what is computed
// holds the outputs of the cycle after it, what is registered holds them before it.
struct Design {
    cxxrtl_design::TOP top;
    Stream streams[STREAMS];

    template <size_t Bits>
    static void before(const cxxrtl::wire<Bits> &port, uint32_t &into) {
        into = port.template get<uint32_t>();
    }
    template <size_t Bits>
    static void after(const cxxrtl::value<Bits> &port, uint32_t &into) {
        into = port.template get<uint32_t>();
    }
    template <size_t Bits>
    static void before(const cxxrtl::value<Bits> &, uint32_t &) {}
    template <size_t Bits>
    static void after(const cxxrtl::wire<Bits> &, uint32_t &) {}

    void set_reset(bool reset) { top.p_rst.set<bool>(reset); }

    void cycle() {
#define BEFORE(k, in_valid, in_payload, in_ready, out_valid, out_payload, out_ready) \
    top.in_valid.set<bool>(streams[k].offers);                                       \
    top.in_payload.set<uint8_t>(streams[k].byte);                                    \
    top.out_ready.set<bool>(streams[k].takes);                                       \
    before(top.in_ready, streams[k].ready);                                          \
    before(top.out_valid, streams[k].valid);                                         \
    before(top.out_payload, streams[k].payload);
        EACH_STREAM(BEFORE)
#define LOST(k, pin) top.pin.set<bool>(streams[k].lost);
        EACH_LOST(LOST)
        top.prev_p_clk.set<bool>(false);
        top.p_clk.set<bool>(true);
        top.step();
#define AFTER(k, in_valid, in_payload, in_ready, out_valid, out_payload, out_ready) \
    after(top.in_ready, streams[k].ready);                                          \
    after(top.out_valid, streams[k].valid);                                         \
    after(top.out_payload, streams[k].payload);
        EACH_STREAM(AFTER)
    }
};
#else
#include "Vdesign.h"
#include "verilated.h"

struct Design {
    VerilatedContext context;
    Vdesign top{&context};
    Stream streams[STREAMS];

    void set_reset(bool reset) { top.rst = reset; }

    void cycle() {
#define SET(k, in_valid, in_payload, in_ready, out_valid, out_payload, out_ready) \
    top.in_valid = streams[k].offers;                                             \
    top.in_payload = streams[k].byte;                                             \
    top.out_ready = streams[k].takes;
        EACH_STREAM(SET)
#define LOST(k, pin) top.pin = streams[k].lost;
        EACH_LOST(LOST)
        top.clk = 0;
        top.eval();
#define GET(k, in_valid, in_payload, in_ready, out_valid, out_payload, out_ready) \
    streams[k].ready = top.in_ready;                                              \
    streams[k].valid = top.out_valid;                                             \
    streams[k].payload = top.out_payload;
        EACH_STREAM(GET)
        top.clk = 1;
        top.eval();
    }
};
#endif

namespace {

// Pauses of one end of a stream: in each cycle it goes on with probability pace / 2**32.
struct Pauses {
    uint32_t state = 1;
    uint64_t pace = uint64_t{1} << 32;

    bool go() {
        if (pace >> 32) return true;
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state < pace;
    }
};

// What waits at a pair of streams: bytes to go in, and bytes that came out.
struct Ends {
    Pauses in, out;
    bool offering = false;
    std::vector<uint8_t> given, got;
    size_t taken = 0;

    size_t left() const { return given.size() - taken; }

    // What is offered stays until it is taken.
    void set(Stream &stream) {
        if (left() && !offering) offering = in.go();
        stream.offers = left() && offering;
        stream.byte = stream.offers ? given[taken] : 0;
        stream.takes = out.go();
    }

    // Tell whether a byte went in or out.
    bool moved(const Stream &stream) {
        bool came = stream.offers && stream.ready, left = stream.takes && stream.valid;
        if (came) {
            taken++;
            offering = false;
        }
        if (left) got.push_back(stream.payload);
        return came || left;
    }
};

struct Chip {
    Design design;
    uint64_t cycles = 0;
    Ends ends[STREAMS];
};

}  // namespace

extern "C" {

Chip *spikeloom_new() { return new Chip; }

void spikeloom_delete(Chip *chip) { delete chip; }

uint64_t spikeloom_cycles(const Chip *chip) { return chip->cycles; }

// Hold the reset for three cycles; they are not counted.
void spikeloom_reset(Chip *chip) {
    chip->design.set_reset(true);
    for (Stream &stream : chip->design.streams) stream = Stream();
    for (int k = 0; k < 3; k++) chip->design.cycle();
    chip->design.set_reset(false);
    chip->cycles = 0;
    for (Ends &ends : chip->ends) {
        ends.offering = false;
        ends.given.clear();
        ends.got.clear();
        ends.taken = 0;
    }
}

void spikeloom_pauses(Chip *chip, uint32_t seed, uint64_t pace) {
    for (Ends &ends : chip->ends) {
        ends.in.state = seed * 2654435761u | 1;
        ends.out.state = seed * 2246822519u | 2;
        ends.in.pace = ends.out.pace = pace;
        seed += 0x9E3779B9u;
    }
}

int spikeloom_streams() { return STREAMS; }

// Leave bytes at a stream other than the first, to be given as the chip runs.
void spikeloom_give(Chip *chip, int number, const uint8_t *input, size_t given) {
    Ends &ends = chip->ends[number];
    ends.given.erase(ends.given.begin(), ends.given.begin() + ends.taken);
    ends.taken = 0;
    ends.given.insert(ends.given.end(), input, input + given);
}

// From now until the next reset, nobody is at the other end of a stream.
void spikeloom_hang_up(Chip *chip, int number) { chip->design.streams[number].lost = true; }

// Fetch what has come out of a stream other than the first.
size_t spikeloom_take(Chip *chip, int number, uint8_t *output, size_t room) {
    std::vector<uint8_t> &got = chip->ends[number].got;
    size_t count = got.size() < room ? got.size() : room;
    if (count) std::memcpy(output, got.data(), count);
    got.erase(got.begin(), got.begin() + count);
    return count;
}

// Give `given` bytes to the first stream and take up to `room`. Ends after `limit` cycles; when
// there is no more room; and `quiet` cycles after the last byte in or out of any stream, once all
// bytes are in and, with `answered`, one is out. The number of bytes in goes to `*taken`, the cycle
// of the last byte out to `*last`.
size_t spikeloom_run(Chip *chip, const uint8_t *input, size_t given, uint8_t *output, size_t room,
                     uint64_t limit, uint64_t quiet, int answered, size_t *taken, uint64_t *last) {
    Design &design = chip->design;
    Ends &first = chip->ends[0];
    size_t received = 0, others = 0;
    uint64_t silence = 0;
    first.given.assign(input, input + given);
    first.taken = 0;
    for (int n = 1; n < STREAMS; n++) others += chip->ends[n].got.size();
    for (uint64_t k = 0; k < limit && received < room; k++) {
        for (int n = 0; n < STREAMS; n++) chip->ends[n].set(design.streams[n]);
        design.cycle();
        chip->cycles++;
        silence++;
        size_t waiting = 0;
        for (int n = 0; n < STREAMS; n++) {
            Ends &ends = chip->ends[n];
            size_t before = ends.got.size();
            if (ends.moved(design.streams[n])) silence = 0;
            if (n) others += ends.got.size() - before;
            waiting += ends.left();
        }
        if (first.got.size() > received) {
            output[received++] = first.got.back();
            *last = chip->cycles;
        }
        if (silence >= quiet && !waiting && (received || others || !answered)) break;
    }
    first.got.clear();
    *taken = first.taken;
    return received;
}

}  // extern "C"
