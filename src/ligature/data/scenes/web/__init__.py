"""The web of the world: a pool of noisy captions, three captioned sources, and a server that answers their urls."""

from ligature.data.scenes.web.leaks import Leak, find_leaks
from ligature.data.scenes.web.server import WebServer
from ligature.data.scenes.web.writing import write_web

__all__ = ["Leak", "WebServer", "find_leaks", "write_web"]
