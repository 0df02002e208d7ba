"""The demo: a trained network classifies real images, as Verilog, and golden checks every spike."""

from .images import DemoImages
from .inference import DemoResult, run_demo
from .pictures import draw

__all__ = ["DemoImages", "DemoResult", "draw", "run_demo"]
