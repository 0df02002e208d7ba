/* Driver of an accelerator behind a register port; its event words go through streams. */
#ifndef DRIVER_H
#define DRIVER_H

#include <stdint.h>

/* An accelerator at the address of its window. */
typedef volatile uint32_t *accelerator;

/* Whether this is the accelerator that the program was compiled for: 0 if it is. */
int accelerator_check(accelerator base);

/* Write the network, and zero all states: 0 if no error is told. */
int accelerator_load(accelerator base);

/* Words for the stream: a spike of a neuron, and the end of so many time steps. */
uint32_t spike_word(uint32_t source, uint32_t neuron);
uint32_t step_word(uint32_t steps);

#endif
