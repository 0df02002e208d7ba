"""Boards: clocks, pins, links and memory budgets around the gateware."""
