"""Readers of data sets in the file formats of the originals, and the procedural world of scenes."""

from ligature.data.coco import read_coco
from ligature.data.dataset import Dataset
from ligature.data.flickr import read_flickr, read_translations
from ligature.data.imagefolders import read_image_folders
from ligature.data.masks import read_mask, read_voc
from ligature.data.open import open_dataset

__all__ = [
    "Dataset",
    "open_dataset",
    "read_coco",
    "read_flickr",
    "read_image_folders",
    "read_mask",
    "read_translations",
    "read_voc",
]
