"""Readers of data sets in the file formats of the originals, and the procedural world of scenes."""

from ligature.data.coco import read_coco
from ligature.data.dataset import Dataset
from ligature.data.flickr import read_flickr
from ligature.data.imagefolders import read_image_folders
from ligature.data.karpathy import read_karpathy
from ligature.data.masks import read_mask, read_voc
from ligature.data.open import open_dataset
from ligature.data.parallel import read_parallel
from ligature.data.translations import with_descriptions, with_translations

__all__ = [
    "Dataset",
    "open_dataset",
    "read_coco",
    "read_flickr",
    "read_image_folders",
    "read_karpathy",
    "read_mask",
    "read_parallel",
    "read_voc",
    "with_descriptions",
    "with_translations",
]
