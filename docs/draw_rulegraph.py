"""Draws the rule graph of the mini study into docs/rulegraph.svg, from what Snakemake says of itself."""

import re
import subprocess
import sys
from pathlib import Path

from matplotlib import pyplot, rcParams

PICTURE = Path(__file__).parent / "rulegraph.svg"


def read_graph(dot: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Returns names by node and (before, after) edges of a graph in the dot language, without loops."""
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', dot))
    return names, [edge for edge in re.findall(r"(\d+) -> (\d+)", dot) if edge[0] != edge[1]]


def layers(names: dict[str, str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Returns the layer of each node: the length of the longest path that leads to it."""
    depth = dict.fromkeys(names, 0)
    for _ in names:
        for before, after in edges:
            depth[after] = max(depth[after], depth[before] + 1)
    return depth


def without_shortcuts(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the edges that no path of other edges stands for."""
    after = {node: {end for start, end in edges if start == node} for edge in edges for node in edge}

    def reaches(start: str, end: str) -> bool:
        return any(node == end or reaches(node, end) for node in after[start])

    return [(start, end) for start, end in edges if not any(reaches(node, end) for node in after[start] if node != end)]


def draw(names: dict[str, str], edges: list[tuple[str, str]]) -> None:
    """Draws the graph from top to bottom; an edge that passes over a layer bends around it."""
    depth = layers(names, edges)
    rows = {layer: [node for node in names if depth[node] == layer] for layer in set(depth.values())}
    place = {
        node: (1.5 * (number - (len(nodes) - 1) / 2), -0.75 * layer)
        for layer, nodes in rows.items()
        for number, node in enumerate(nodes)
    }
    rcParams["svg.hashsalt"] = "ligature"
    across, down = ([position[axis] for position in place.values()] for axis in (0, 1))
    figure, axes = pyplot.subplots(figsize=(max(across) - min(across) + 4, 1 - min(down)))
    for before, after in without_shortcuts(edges):
        span = depth[after] - depth[before]
        bend = 0.0 if span == 1 else 0.3 * (-1) ** span
        arrow = {"arrowstyle": "-|>", "color": "#8a94a6", "shrinkA": 13, "shrinkB": 14, "lw": 1.3}
        axes.annotate("", place[after], place[before], arrowprops=arrow | {"connectionstyle": f"arc3,rad={bend}"})
    for node, (x, y) in place.items():
        box = {"boxstyle": "round,pad=0.45", "facecolor": "#eef3fa", "edgecolor": "#34567a", "linewidth": 1.3}
        axes.text(x, y, names[node], ha="center", va="center", fontsize=11, bbox=box, color="#1d2733")
    axes.set_xlim(min(across) - 2, max(across) + 2)
    axes.set_ylim(min(down) - 0.5, 0.5)
    axes.set_axis_off()
    figure.savefig(PICTURE, bbox_inches="tight", metadata={"Date": None}, facecolor="white")


def main() -> None:
    """Asks Snakemake for the graph and draws it; run it after the study, when the checkpoint is known."""
    done = subprocess.run(["snakemake", "--rulegraph", "--nolock"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    draw(*read_graph(done.stdout))
    print(PICTURE)


if __name__ == "__main__":
    main()
