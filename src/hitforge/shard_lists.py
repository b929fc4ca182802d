"""Lists of shards: one small file for a block of parts, so that a plan need not name thousands of shards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from hitforge.provenance import read_json, write_json
from hitforge.validation import read_inventory


def write_shard_list(path: Path, shards: Iterable[Path]) -> None:
    """Write the names and checksums of a block's shards beside them; it changes when any of them does."""
    checksums = {shard.name: file_checksum(shard) for shard in sorted(shards)}
    write_json(path, {"shards": checksums})


def read_shard_lists(lists: Iterable[str | Path]) -> list[Path]:
    """Return the shards of some blocks, sorted by the id of their part; FileNotFoundError if a listed one is gone."""
    shards = [Path(path).parent / name for path in lists for name in read_json(Path(path))["shards"]]
    for shard in shards:
        if not shard.is_file():
            raise FileNotFoundError(f"{shard}: this shard was built but is gone; remake it with: snakemake shards")
    return sorted(shards, key=lambda shard: shard.stem)


def used_shards(lists: Iterable[str | Path], inventory: str | Path) -> list[Path]:
    """Return the shards of the parts that an inventory uses, sorted by the id of their part."""
    good = set(read_inventory(Path(inventory)).good)
    return [shard for shard in read_shard_lists(lists) if shard.stem in good]


def file_checksum(path: Path) -> str:
    """Return the BLAKE2 hash of a file's bytes, 32 hex digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
