"""The vision tower of a captioning model, and the views of an image that it sees."""

from ligature.captioning.vision.tower import VisionTower, load_tower
from ligature.captioning.vision.views import Views, split_views, tile_grid

__all__ = ["Views", "VisionTower", "load_tower", "split_views", "tile_grid"]
