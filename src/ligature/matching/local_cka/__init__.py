"""Local CKA as a dot product: one feature vector an item, the published bandwidth kept exactly."""

from ligature.matching.local_cka.estimator import MAX_NODES, LocalCKA, centre_gallery

__all__ = ["MAX_NODES", "LocalCKA", "centre_gallery"]
