// One C interface to a compiled chip, whichever of the two compilers made it.

#include <cstddef>
#include <cstdint>

#ifdef WITH_CXXRTL
#include "design.cc"

// A cycle is one evaluation, as no input depends on an output of the same cycle: what is computed
// holds the outputs of the cycle after it, what is registered holds them before it.
struct Design {
    cxxrtl_design::TOP top;
    uint32_t ready, valid, payload;

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

    void cycle(bool offers, uint8_t byte, bool takes) {
        top.p_rx____valid.set<bool>(offers);
        top.p_rx____payload.set<uint8_t>(byte);
        top.p_tx____ready.set<bool>(takes);
        before(top.p_rx____ready, ready);
        before(top.p_tx____valid, valid);
        before(top.p_tx____payload, payload);
        top.prev_p_clk.set<bool>(false);
        top.p_clk.set<bool>(true);
        top.step();
        after(top.p_rx____ready, ready);
        after(top.p_tx____valid, valid);
        after(top.p_tx____payload, payload);
    }
};
#else
#include "Vdesign.h"
#include "verilated.h"

// Verilator writes the second of two underscores as a number.
struct Design {
    VerilatedContext context;
    Vdesign top{&context};
    uint32_t ready, valid, payload;

    void set_reset(bool reset) { top.rst = reset; }

    void cycle(bool offers, uint8_t byte, bool takes) {
        top.rx___05Fvalid = offers;
        top.rx___05Fpayload = byte;
        top.tx___05Fready = takes;
        top.clk = 0;
        top.eval();
        ready = top.rx___05Fready;
        valid = top.tx___05Fvalid;
        payload = top.tx___05Fpayload;
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

struct Chip {
    Design design;
    uint64_t cycles = 0;
    Pauses in, out;
    bool offering = false;
};

}  // namespace

extern "C" {

Chip *spikeloom_new() { return new Chip; }

void spikeloom_delete(Chip *chip) { delete chip; }

uint64_t spikeloom_cycles(const Chip *chip) { return chip->cycles; }

// Hold the reset for three cycles; they are not counted.
void spikeloom_reset(Chip *chip) {
    chip->design.set_reset(true);
    for (int k = 0; k < 3; k++) chip->design.cycle(false, 0, false);
    chip->design.set_reset(false);
    chip->cycles = 0;
    chip->offering = false;
}

void spikeloom_pauses(Chip *chip, uint32_t seed, uint64_t pace) {
    chip->in.state = seed * 2654435761u | 1;
    chip->out.state = seed * 2246822519u | 2;
    chip->in.pace = chip->out.pace = pace;
}

// Give `given` bytes and take up to `room`. Ends after `limit` cycles; when there is no more room;
// and `quiet` cycles after the last byte in or out, once all bytes are in and, with `answered`, one
// is out. The number of bytes in goes to `*taken`, the cycle of the last byte out to `*last`.
size_t spikeloom_run(Chip *chip, const uint8_t *input, size_t given, uint8_t *output, size_t room,
                     uint64_t limit, uint64_t quiet, int answered, size_t *taken, uint64_t *last) {
    Design &design = chip->design;
    size_t sent = 0, received = 0;
    uint64_t silence = 0;
    for (uint64_t k = 0; k < limit && received < room; k++) {
        // What is offered stays until it is taken.
        if (sent < given && !chip->offering) chip->offering = chip->in.go();
        bool offers = sent < given && chip->offering, takes = chip->out.go();
        design.cycle(offers, offers ? input[sent] : 0, takes);
        chip->cycles++;
        silence++;
        if (offers && design.ready) {
            sent++;
            chip->offering = false;
            silence = 0;
        }
        if (takes && design.valid) {
            output[received++] = design.payload;
            *last = chip->cycles;
            silence = 0;
        }
        if (silence >= quiet && sent == given && (received || !answered)) break;
    }
    *taken = sent;
    return received;
}

}  // extern "C"
