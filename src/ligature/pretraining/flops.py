"""Floating-point operations of the loss of AlignCLIP; a multiply-add is two."""

from ligature.pretraining.losses import AlignmentSettings


def alignment_flops(pairs: int, width: int, semantic_width: int, settings: AlignmentSettings) -> int:
    """Returns the operations of the loss's matrix products over a batch, forward and backward.

    Each of the contrastive loss and the separated modalities has one product of all features with all forward and two
    backward; semantic distances are one product, without gradient, that both modalities share.

    Args:
        pairs: of the batch.
        width: of the features.
        semantic_width: of the semantic vectors; of no use where the settings take no notice of them.
        settings: of the loss.
    """
    products = 3 * width * (1 + len(settings.separate)) + (semantic_width if settings.semantic else 0)
    return 2 * pairs * pairs * products
