"""Puts pictures of scenes behind urls of invented hosts."""

import io
import random

import numpy as np
from PIL import Image

from ligature.data.scenes.files import JPEG_QUALITY
from ligature.data.scenes.rendering import render
from ligature.data.scenes.scene import Scene
from ligature.data.scenes.web.routes import RouteWriter
from ligature.data.scenes.web.shares import HOSTS, OK, draw, draw_behaviour

_WITHOUT_BODY = ("missing", "gone", "forbidden", "html", "empty", "dead", "loop")
_STEADY = [host for host, (_, _, profile) in HOSTS.items() if profile == "steady"]


def encode(picture: np.ndarray, file_format: str = "JPEG", quality: int = JPEG_QUALITY) -> bytes:
    """Returns a uint8 (height, width, 3) picture as a file with full colour resolution."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, file_format, quality=quality, subsampling=0)
    return buffer.getvalue()


class Publisher:
    """Gives pictures their urls and tells the server's routes of them."""

    def __init__(self, routes: RouteWriter, image_size: int) -> None:
        """Keeps where routes go and the side of the pictures in pixels."""
        self._routes, self._image_size = routes, image_size

    def publish(self, scene: Scene, column: int, rng: random.Random) -> tuple[str, str]:
        """Returns a fresh url for a scene and how it behaves.

        Args:
            scene: what the picture shows.
            column: ``POOL`` or ``CAPTIONED``: whose shares of ``HOSTS`` count.
            rng: where the randomness comes from.
        """
        host = draw({name: row[column] for name, row in HOSTS.items()}, rng)
        url, behaviour = _fresh_url(host, rng), draw_behaviour(HOSTS[host][2], rng)
        if behaviour == "redirect":
            self._routes.add(url, behaviour, target=self.publish_sound(self.picture(scene), rng))
        elif behaviour in _WITHOUT_BODY:
            self._routes.add(url, behaviour, target=url if behaviour == "loop" else "")
        else:
            file_format = rng.choice(("PNG", "WEBP")) if behaviour == "mislabelled" else "JPEG"
            self._routes.add(url, behaviour, self.picture(scene, file_format))
        return url, behaviour

    def publish_sound(self, body: bytes, rng: random.Random) -> str:
        """Returns a fresh url that always answers with ``body``."""
        url = _fresh_url(rng.choice(_STEADY), rng)
        self._routes.add(url, OK, body)
        return url

    def picture(self, scene: Scene, file_format: str = "JPEG", quality: int = JPEG_QUALITY) -> bytes:
        """Returns the picture of a scene as a file."""
        return encode(render(scene, self._image_size), file_format, quality)


def _fresh_url(host: str, rng: random.Random) -> str:
    name = f"{rng.getrandbits(64):016x}"
    return f"http://{host}/{rng.choice(('images', 'img', 'uploads/2019', 'media'))}/{name[:2]}/{name}.jpg"
