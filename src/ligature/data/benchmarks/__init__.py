"""Public classification benchmarks, read in the layouts of their own releases."""

from ligature.data.benchmarks.labelled import LabelledImages
from ligature.data.benchmarks.reading import READERS, list_benchmark

__all__ = ["READERS", "LabelledImages", "list_benchmark"]
