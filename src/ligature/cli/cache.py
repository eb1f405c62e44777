"""`ligature cache`: what the cache of embeddings holds, whether it is whole, and what may go."""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ligature.errors import ParamsError, StoreError
from ligature.progress import say, size_of, track
from ligature.store.cache import VARIABLE, EmbeddingCache
from ligature.store.cache_entry import Entry
from ligature.store.cache_sweep import stale, to_remove

cache = typer.Typer(help="What the cache of embeddings holds (LIGATURE_CACHE), whether it is whole, and what may go.")

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
COLUMNS = ("key", "encoder", "source", "view", "data", "rows", "size", "used", "last used")


def open_cache() -> EmbeddingCache:
    """Returns the cache of the environment.

    Raises:
        ParamsError: when none is set.
    """
    found = EmbeddingCache.from_environment()
    if found is None:
        raise ParamsError(f"{VARIABLE}: not set; set it to the folder of the cache, such as /shared/ligature-cache")
    return found


@cache.command("ls")
def list_entries(as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every use.")] = False) -> None:
    """List what is there: for which encoder and data, how large, and who uses it."""
    facts, damaged = read_entries(open_cache(), facts_of)
    if as_json:
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(lines_of(facts)))
    for error in damaged:
        say(f"warning: {error}; see `ligature cache verify`")


@cache.command()
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Remove damaged entries; they are embedded anew.")] = False,
) -> None:
    """Check the SHA-256 of every file of every entry; the exit status is 1 where one is damaged and stays."""
    found, damaged = open_cache(), []
    folders = list(found.folders())
    for folder in track(folders, "verify the cache", unit="entries"):
        try:
            Entry.read(folder).check()
        except StoreError as error:
            damaged.append(str(error))
            if repair:
                found.remove(folder)
    say(f"{len(folders) - len(damaged)} of {len(folders)} entries are whole")
    for line in damaged if repair else []:
        say(f"{line}; removed, the next run embeds it anew")
    if damaged and not repair:
        raise StoreError("\n".join(f"{line}; run `ligature cache verify --repair` to remove it" for line in damaged))


@cache.command()
def gc(
    unused_days: Annotated[
        float | None, typer.Option(min=0, help="Remove what nobody put or took for so many days.")
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option(help="Remove what was unused for longest until no more is left, such as 500G.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also what a study's store still stands for.")] = False,
) -> None:
    """Remove entries that no study's folder stands for any more, and what killed jobs left half-written."""
    if unused_days is None and max_bytes is None:
        raise ParamsError("ligature cache gc: give --unused-days, --max-bytes or both")
    found = open_cache()
    entries, _ = read_entries(found)
    limit = None if max_bytes is None else parse_bytes(max_bytes)
    gone = to_remove(entries, unused_days=unused_days, max_bytes=limit, force=force)
    for folder in [*(entry.folder for entry in gone), *stale(found.leftovers())]:
        if not dry_run:
            found.remove(folder)
        typer.echo(f"{'would remove' if dry_run else 'removed'} {folder}")
    freed = sum(entry.nbytes for entry in gone)
    left = sum(entry.nbytes for entry in entries) - freed
    say(f"{len(gone)} entries of {size_of(freed)} {'would go' if dry_run else 'gone'}, {size_of(left)} stay")
    if limit is not None and left > limit:
        say(f"warning: more than {size_of(limit)} stay, since studies stand for them; --force removes them too")


def read_entries(found: EmbeddingCache, look: Callable[[Entry], Any] = lambda entry: entry) -> tuple[list, list[str]]:
    """Returns the entries that can be read, or what ``look`` says of each, and one line for every other."""
    entries, damaged = [], []
    for folder in found.folders():
        try:
            entries.append(look(Entry.read(folder)))
        except StoreError as error:
            damaged.append(str(error))
    return entries, damaged


def facts_of(entry: Entry) -> dict[str, Any]:
    """Returns what is to be known of an entry, as plain values.

    Raises:
        StoreError: when its manifest is missing or damaged.
    """
    manifest = entry.manifest
    return {
        "key": entry.key,
        "encoder": manifest.encoder,
        "modality": manifest.modality,
        "view": manifest.view,
        "dtype": manifest.dtype,
        "data": manifest.source,
        "rows": manifest.rows,
        "bytes": entry.nbytes,
        "shard_rows": entry.shard_rows,
        "made": vars(entry.made),
        "used_by": [vars(use) | {"exists": use.exists} for use in entry.uses()],
        "last_used": entry.last_used,
    }


def lines_of(facts: list[dict[str, Any]]) -> list[str]:
    """Returns a table of entries, a line each, and a line for the sum."""
    rows = [COLUMNS, *map(_cells, facts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, f"{len(facts)} entries, {size_of(sum(fact['bytes'] for fact in facts))}"]


def _cells(fact: dict[str, Any]) -> tuple[str, ...]:
    encoder, data = fact["encoder"], fact["data"]
    source = str(encoder.get("source") or encoder["loader"])
    if encoder.get("revision"):
        source += f" {encoder['revision'].removeprefix('sha256:')[:8]}"
    studies = sorted({use["study"] for use in fact["used_by"] if use["exists"]})
    return (
        fact["key"][:12],
        encoder["name"],
        source,
        fact["view"],
        f"{data['dataset']} {data['split']} {data['part']}",
        f"{fact['rows']:,}",
        size_of(fact["bytes"]),
        ", ".join(studies) or "nobody",
        fact["last_used"][:10],
    )


def parse_bytes(text: str) -> int:
    """Reads a number of bytes with or without a unit: ``500G``, ``1.5T``, ``20000``.

    Raises:
        ParamsError: when it is none.
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,3})?)([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise ParamsError(f"--max-bytes {text!r}: give a number of bytes such as 20000, 500G or 1.5T")
    return int(float(match[1]) * UNITS[match[2]])
