"""Pictures of networks and of what they did."""

from .images import plot_counts, plot_images, plot_weights
from .learning import plot_accuracy, plot_synapse, plot_weight_maps
from .rasters import plot_raster, plot_stack
from .traces import plot_potentials

__all__ = [
    "plot_accuracy",
    "plot_counts",
    "plot_images",
    "plot_potentials",
    "plot_raster",
    "plot_stack",
    "plot_synapse",
    "plot_weight_maps",
    "plot_weights",
]
