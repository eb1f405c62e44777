"""Small paired features with planted structure: both sides see the same latent vectors through fixed maps."""

import numpy as np

from ligature.projection import ImageFeatures, PairedFeatures, Projector, ProjectorConfig, project_images, project_texts

VISION_DIM, TEXT_DIM, EMBED_DIM = 12, 10, 16

CONFIG = ProjectorConfig(VISION_DIM, TEXT_DIM, EMBED_DIM)


def planted_pairs(
    images: int, captions: int = 2, *, draw: int = 0, noise: float = 0.1, dtype=np.float32
) -> PairedFeatures:
    """Pairs of one world; ``draw`` chooses the images, so that another draw is a held-out set."""
    world = np.random.default_rng(7)
    to_cls, to_local, to_text = (world.normal(size=(6, width)) for width in (VISION_DIM, VISION_DIM, TEXT_DIM))
    generator = np.random.default_rng([1, draw])
    latent = generator.normal(size=(images, 6))
    owner = generator.permutation(np.repeat(np.arange(images), captions))

    def seen(values: np.ndarray, mapping: np.ndarray) -> np.ndarray:
        clean = values @ mapping
        return (clean + noise * generator.normal(size=clean.shape)).astype(dtype)

    features = ImageFeatures(cls=seen(latent, to_cls), local=seen(latent, to_local))
    return PairedFeatures(features, seen(latent[owner], to_text), owner)


def recall_at_1(projector: Projector, data: PairedFeatures) -> float:
    """The share of texts whose nearest image is their own."""
    similarities = project_texts(projector, data.texts) @ project_images(projector, data.images).T
    return float(np.mean(similarities.argmax(axis=1) == data.image_of_text))
