"""Figures of the features in the plane, before and after alignment."""

import pandas as pd

from ligature.reporting.drawing import MODALITY_COLOURS, Drawing, figure_style, new_axes
from ligature.reporting.text import bounded, slug

MARKERS = {"image": "o", "text": "^"}
TITLES = {"before": "Before alignment", "after": "After alignment"}


@figure_style()
def feature_maps(features: pd.DataFrame) -> list[Drawing]:
    """Returns one picture a stage: images and texts in the plane, a line between the two of a pair."""
    return [_feature_map(stage, rows) for stage, rows in features.groupby("stage", sort=False)]


def _feature_map(stage: str, rows: pd.DataFrame) -> Drawing:
    from matplotlib.collections import LineCollection

    title = TITLES.get(stage, bounded(stage))
    axes = new_axes(5.2, 4.6)
    pairs = rows[rows["modality"] == "image"].merge(rows[rows["modality"] == "text"], on="pair")
    lines = pairs[["x_x", "y_x", "x_y", "y_y"]].to_numpy().reshape(-1, 2, 2)
    axes.add_collection(LineCollection(lines, color="#999999", linewidth=0.6, alpha=0.35, zorder=1))
    for modality, points in rows.groupby("modality"):
        axes.scatter(
            points["x"],
            points["y"],
            s=20,
            alpha=0.8,
            linewidth=0,
            color=MODALITY_COLOURS.get(modality, "#444444"),
            marker=MARKERS.get(modality, "s"),
            label=bounded(modality),
        )
    axes.set(title=title, xlabel="t-SNE 1", ylabel="t-SNE 2", xticks=[], yticks=[])
    axes.figure.legend(loc="outside lower center", ncols=2, frameon=False, markerscale=1.5)
    caption = f"{len(pairs):,} image-text pairs; a grey line joins the two of a pair."
    return Drawing(f"features-{slug(stage)}", title, caption, rows, axes.figure)
