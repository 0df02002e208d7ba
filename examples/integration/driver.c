#include "driver.h"

#include <stddef.h>

#include "load.h"
#include "spikeloom.h"

static uint32_t get(accelerator base, uint32_t offset) { return base[offset / 4]; }

static void put(accelerator base, uint32_t offset, uint32_t word) { base[offset / 4] = word; }

int accelerator_check(accelerator base)
{
    if (get(base, SPIKELOOM_ID_OFFSET) != SPIKELOOM_ID_VALUE)
        return -1;
    if (get(base, SPIKELOOM_HASH_LOW_OFFSET) != SPIKELOOM_CONFIG_HASH_LOW)
        return -2;
    if (get(base, SPIKELOOM_HASH_HIGH_OFFSET) != SPIKELOOM_CONFIG_HASH_HIGH)
        return -2;
    return 0;
}

int accelerator_load(accelerator base)
{
    /* Any other access to a memory would wait for the end of what is under way. */
    while (get(base, SPIKELOOM_STATUS_OFFSET) & SPIKELOOM_STATUS_BUSY)
        ;
    for (size_t k = 0; k < sizeof load / sizeof load[0]; k++)
        put(base, load[k].offset, load[k].word);
    return get(base, SPIKELOOM_ERRORS_OFFSET) ? -1 : 0;
}

uint32_t spike_word(uint32_t source, uint32_t neuron)
{
    return SPIKELOOM_KIND_SPIKE << 29 | source << 20 | neuron;
}

uint32_t step_word(uint32_t steps) { return SPIKELOOM_KIND_STEP << 29 | steps; }
