"""Accelerators and cores with standard ports: AXI4-Stream for events, AXI4-Lite or Wishbone."""
