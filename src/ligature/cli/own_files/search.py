"""`ligature search`: the images of an index that answer a text best."""

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ligature.cli.context import PARAMS, RESULTS, DeviceOption, ParamsOption, ResultsOption, ThreadsOption, open_layout
from ligature.cli.own_files.captions import check_text
from ligature.cli.own_files.matched import matched_queries
from ligature.cli.own_files.options import ModelOption, RevisionOption
from ligature.cli.own_files.stored import Index, read_index
from ligature.errors import DataError

UNSEEN = {"Cc", "Cs", "Zl", "Zp"}
"""Categories of Unicode that a file name may hold: control characters, halves of pairs, line and paragraph ends."""


def search(
    folder: Annotated[Path, typer.Argument(metavar="INDEX", help="Folder of an index.")],
    queries: Annotated[list[str], typer.Argument(metavar="QUERY...", help="Texts to search with.")],
    best: Annotated[int, typer.Option("-k", "--best", min=1, help="Images a query.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print json.")] = False,
    model: ModelOption = None,
    revision: RevisionOption = None,
    params: ParamsOption = PARAMS,
    results: ResultsOption = RESULTS,
    threads: ThreadsOption = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Print the images of an index that answer each text best, with their scores."""
    texts = [check_text(text, f"query {number}") for number, text in enumerate(queries, start=1)]
    found = read_index(folder)
    if found.facts.method:
        if model or revision:
            raise DataError("--model: the index was made with anchors and no trained pair; leave it out")
        features = matched_queries(found, open_layout(params, results, threads), texts, device)
    else:
        import torch

        from ligature.cli.own_files.trained import trained_queries

        torch.set_num_threads(threads)
        features = trained_queries(found, texts, model, revision, device=device)
    scores, rows = found.gallery.search(features, min(best, found.facts.images))
    typer.echo(json_text(found, texts, scores, rows) if as_json else "\n".join(lines(found, texts, scores, rows)))


def lines(index: Index, texts: Sequence[str], scores: np.ndarray, rows: np.ndarray) -> list[str]:
    """Returns text, score and image of every hit, best first, with tabs between them."""
    return [
        f"{visible(text)}\t{score:.6f}\t{visible(index.gallery.names[row])}"
        for text, of_text, hits in zip(texts, scores, rows, strict=True)
        for score, row in zip(of_text, hits, strict=True)
    ]


def json_text(index: Index, texts: Sequence[str], scores: np.ndarray, rows: np.ndarray) -> str:
    """Returns a json list of queries, each with its hits, best first."""
    hits = [
        [{"image": index.gallery.names[row], "score": round(float(score), 8)} for score, row in zip(*pair, strict=True)]
        for pair in zip(scores, rows, strict=True)
    ]
    return json.dumps([{"query": text, "images": found} for text, found in zip(texts, hits, strict=True)], indent=2)


def visible(text: str) -> str:
    """Returns a text with the characters escaped that end lines or speak to a terminal."""
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in UNSEEN else char for char in text
    )
