"""Pools of image addresses with captions: readers of sources, one schema, keys, and the accounting of dropped rows."""

from ligature.data.pools.addresses import url_key
from ligature.data.pools.captions import caption_key, normalise_caption
from ligature.data.pools.funnel import KEPT, Funnel, drop_rows, funnel_table, merge_funnels
from ligature.data.pools.keys import caption_keys, uid_of, uids_of, url_keys
from ligature.data.pools.source import read_source_part
from ligature.data.pools.table import POOL_COLUMNS, POOL_SCHEMA, read_pool, write_pool

__all__ = [
    "KEPT",
    "POOL_COLUMNS",
    "POOL_SCHEMA",
    "Funnel",
    "caption_key",
    "caption_keys",
    "drop_rows",
    "funnel_table",
    "merge_funnels",
    "normalise_caption",
    "read_pool",
    "read_source_part",
    "uid_of",
    "uids_of",
    "url_key",
    "url_keys",
    "write_pool",
]
