"""Which part of the world owns a scene, decided by a hash of its key, so that parts never share a scene."""

import hashlib
from collections.abc import Iterable

from ligature.data.scenes.scene import Scene

WEB_SHARE = 0.25
"""Share of all scenes that no benchmark split ever uses, free for training pools."""

_SINGLE_WEIGHTS = {"imagenet": 8.0, "coco": 2.0, "voc": 1.0}
_TRAIN_WEIGHT = 4.0


def hash_fraction(scene: Scene) -> float:
    """Returns a number in [0, 1) that depends on the scene's key alone."""
    digest = hashlib.blake2b(scene.key.encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


def is_web_scene(scene: Scene) -> bool:
    """Whether a scene is free for training pools: no world's benchmark splits hold it."""
    return hash_fraction(scene) < WEB_SHARE


class Division:
    """Divides the scenes that are not web scenes among parts such as ``coco/val`` or ``imagenet/train``.

    Scenes with one object go mostly to ImageNet-like parts, and four times as often to splits called
    ``train...`` as to others; scenes with more objects go to the other parts in equal shares. The
    shares depend on the names of the parts alone, so a larger split changes no other.
    """

    def __init__(self, parts: Iterable[str]) -> None:
        """Fixes the share of every part."""
        names = sorted(parts)
        self._single = _bounds({name: _single_weight(name) for name in names})
        self._several = _bounds({name: 1.0 for name in names if not name.startswith("imagenet/")})

    def owner(self, scene: Scene) -> str | None:
        """Returns the part that owns a scene, or None for a web scene."""
        fraction = hash_fraction(scene)
        if fraction < WEB_SHARE:
            return None
        position = (fraction - WEB_SHARE) / (1 - WEB_SHARE)
        bounds = self._single if len(scene.objects) == 1 else self._several
        return next((name for name, bound in bounds if position < bound), None)


def _single_weight(part: str) -> float:
    kind, split = part.split("/")
    return _SINGLE_WEIGHTS[kind] * (_TRAIN_WEIGHT if split.startswith("train") else 1.0)


def _bounds(weights: dict[str, float]) -> list[tuple[str, float]]:
    """Returns every part with the upper bound of its share of 0..1."""
    total, reached, bounds = sum(weights.values()), 0.0, []
    for name, weight in weights.items():
        reached += weight
        bounds.append((name, reached / total))
    return bounds
