"""The embedding store: shards, manifests, content hashes, atomic writes, joins, and where they live."""

from ligature.store.join import Join, join_stores, require_same_images
from ligature.store.layout import Layout
from ligature.store.manifest import Manifest
from ligature.store.reader import EmbeddingStore
from ligature.store.writer import StoreWriter

__all__ = ["EmbeddingStore", "Join", "Layout", "Manifest", "StoreWriter", "join_stores", "require_same_images"]
