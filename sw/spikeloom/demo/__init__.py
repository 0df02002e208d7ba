"""The demos: real images that the Verilog classifies, or learns; golden checks every spike."""

from .images import DemoImages
from .inference import DemoResult, run_demo
from .learning import Check, LearningDemo, LearningResult
from .pictures import draw, draw_learning, sketch

__all__ = [
    "Check",
    "DemoImages",
    "DemoResult",
    "LearningDemo",
    "LearningResult",
    "draw",
    "draw_learning",
    "run_demo",
    "sketch",
]
