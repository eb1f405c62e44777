"""Text on the page: bounded, named and formatted in one way everywhere."""

import hashlib
import math
import re
from collections.abc import Iterable
from urllib.parse import quote

LABELS = {
    "cka_debiased": "CKA (debiased)",
    "cka_biased": "CKA (biased)",
    "cka_rbf": "CKA (RBF kernel)",
    "mutual_knn": "mutual k-NN",
    "mean_per_class": "mean per class",
    "iou": "IoU",
    "miou": "mIoU",
    "i2t": "image→text",
    "t2i": "text→image",
}
FRACTION = re.compile(r"recall(@\d+)?$|^top\d+$|per_class$|accuracy$|iou$")
NOTHING = "–"
PERCENT = "\u00a0%"
DIRECTIONS_NOTE = "i→t: image to text, t→i: text to image."


def bounded(value: object, limit: int = 60) -> str:
    """Returns ``value`` as one line of printable text of at most ``limit`` characters."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def shortened(value: object, limit: int) -> str:
    """Returns ``value`` as one line of at most ``limit`` characters, cut in the middle: names differ at their ends."""
    text = bounded(value, 200)
    half = (limit - 1) // 2
    return text if len(text) <= limit else f"{text[:half]}…{text[-half:]}"


def slug(value: str) -> str:
    """Returns ``value`` as part of a file name; different values give different names."""
    name = quote(value, safe="").replace("%", "=")
    return name if len(name) <= 80 else f"{name[:60]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def metric_label(metric: str) -> str:
    """Returns the name of a metric as a reader knows it, for example ``image→text R@1``."""
    metric = metric.removeprefix("probe_").removeprefix("validation_")
    direction, _, rest = metric.partition("_")
    if direction in ("i2t", "t2i") and rest:
        return f"{LABELS[direction]} {metric_label(rest)}"
    if match := re.fullmatch(r"(recall@|top)(\d+)", metric):
        return f"{'R@' if match[1] == 'recall@' else 'top-'}{match[2]}"
    return LABELS.get(metric) or bounded(metric.replace("_", " "))


def metric_header(metric: str) -> str:
    """Returns the name of a metric short enough for a column, for example ``i→t R@1``."""
    return metric_label(metric).replace("image→text", "i→t").replace("text→image", "t→i")


def is_fraction(metric: str) -> bool:
    """Whether the metric is a fraction, shown in percent."""
    return FRACTION.search(metric) is not None


def number(value: float, digits: int = 3) -> str:
    """Returns ``value`` with ``digits`` decimals; a dash where there is none."""
    return NOTHING if math.isnan(value) else f"{value:z.{digits}f}".replace("-", "−")


def percent(value: float, unit: str = "") -> str:
    """Returns a fraction in percent, with one decimal, and with ``unit`` after it where there is a value."""
    return NOTHING if math.isnan(value) else number(100 * value, 1) + unit


def measured(metric: str, value: float) -> str:
    """Returns the value of a metric: percent for fractions, up to four digits for the rest."""
    if is_fraction(metric):
        return percent(value)
    return NOTHING if math.isnan(value) else f"{value:.4g}"


def spread(metric: str, value: float, deviation: float) -> str:
    """Returns the value of a metric with its deviation, where there is one."""
    return measured(metric, value) + ("" if math.isnan(deviation) else f" ± {measured(metric, deviation)}")


def listed(names: Iterable[str]) -> str:
    """Returns names as ``a, b and c``."""
    names = [bounded(name) for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def plural(count: int, thing: str) -> str:
    """Returns ``count`` with its noun, for example ``1 pair`` or ``15 pairs``."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
