// One C interface to a compiled chip with a serial line, whichever of the two compilers made it.

#include <cstddef>
#include <cstdint>

#ifdef WITH_CXXRTL
#include "design.cc"

struct Design {
    cxxrtl_design::TOP top;

    bool cycle(bool reset, bool rx) {
        top.p_rst.set<bool>(reset);
        top.p_rx.set<bool>(rx);
        top.prev_p_clk.set<bool>(false);
        top.p_clk.set<bool>(true);
        top.step();
        return top.p_tx.template get<bool>();
    }
};
#else
#include "Vdesign.h"
#include "verilated.h"

struct Design {
    VerilatedContext context;
    Vdesign top{&context};

    bool cycle(bool reset, bool rx) {
        top.rst = reset;
        top.rx = rx;
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        return top.tx;
    }
};
#endif

namespace {

struct Chip {
    Design design;
    uint64_t cycles = 0;
    bool rx = true, tx = true;
};

}  // namespace

extern "C" {

Chip *spikeloom_new() { return new Chip; }

void spikeloom_delete(Chip *chip) { delete chip; }

uint64_t spikeloom_cycles(const Chip *chip) { return chip->cycles; }

// Hold the reset for three cycles, with the line at rest; they are not counted.
void spikeloom_reset(Chip *chip) {
    for (int k = 0; k < 3; k++) chip->design.cycle(true, true);
    chip->cycles = 0;
    chip->rx = chip->tx = true;
}

// Run until cycle `until`, or until `room` edges came. The line to the chip changes in the `given`
// cycles at `input`, which ascend; how many of them have passed goes to `*taken`. The cycles in
// which the line from the chip changes go to `output`; gives how many these are.
size_t spikeloom_pins(Chip *chip, const uint64_t *input, size_t given, uint64_t *output,
                      size_t room, uint64_t until, size_t *taken) {
    size_t passed = 0, received = 0;
    while (chip->cycles < until && received < room) {
        while (passed < given && input[passed] <= chip->cycles) {
            chip->rx = !chip->rx;
            passed++;
        }
        bool tx = chip->design.cycle(false, chip->rx);
        if (tx != chip->tx) {
            output[received++] = chip->cycles;
            chip->tx = tx;
        }
        chip->cycles++;
    }
    *taken = passed;
    return received;
}

}  // extern "C"
