"""Ligature joins frozen vision encoders and frozen language encoders."""

from importlib.metadata import version

__version__ = version("ligature")
