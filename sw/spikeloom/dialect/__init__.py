"""Networks in the terms of other systems, brought into the integers of this one.

Each module speaks one dialect: it takes parameters as that system names and counts them, and
gives neurons, weights and input that compute the same, spike for spike. What cannot be the same is
refused with the reason.
"""
