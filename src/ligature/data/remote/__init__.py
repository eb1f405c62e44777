"""Public places: the table of sources, files fetched from them and taken out of archives, data sets pushed to a Hub."""

from ligature.data.remote.archives import extract_member
from ligature.data.remote.fetch import fetch
from ligature.data.remote.hub import push_dataset
from ligature.data.remote.resources import Source, find_source, read_sources

__all__ = ["Source", "extract_member", "fetch", "find_source", "push_dataset", "read_sources"]
