"""A process that runs img2dataset behind the bounded opener: ``python -m ligature.data.download.runner ARGUMENTS``."""

import json
import os
import signal
import sys
import threading
import urllib.request
from pathlib import Path

from ligature.data.download.opener import Limits, bounded_opener


def end_with_parent() -> None:
    """Ends the whole process group once standard input closes, that is, when the process that started it is gone."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def main(arguments: Path) -> None:
    """Runs ``img2dataset.download`` with the arguments of a json file."""
    from img2dataset import download

    download(**json.loads(arguments.read_text(encoding="utf-8")))


# img2dataset starts its workers afresh, and each imports this module again under the name __mp_main__.
if __name__ in ("__main__", "__mp_main__"):
    urllib.request.install_opener(bounded_opener(Limits.from_environment()))

if __name__ == "__main__":
    end_with_parent()
    main(Path(sys.argv[1]))
