"""What decides a run beside its configuration, by what it is and not by where it lies: a resumed run needs the same."""

import hashlib
import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from earthloom.data.catalog import ImageBlock
from earthloom.data.pairs import File, Pair
from earthloom.data.shards import Member
from earthloom.errors import DataError, TrainingError

EXCERPT_BYTES = 4096
"""Of each file of the data; the whole of a large catalog would take hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Each by the name of its option, where it has one; hashes are sha256."""

    data: str
    """Hash of the samples (`sha256_of_samples`)."""

    vgg19: str | None
    """Hash of the weights of the perceptual term."""

    init: str | None
    """Hash of the weights that were begun with."""

    precision: str
    """`fp32` or `bf16`, whichever `auto` came to."""

    processes: int = 1
    """How many share a step; each adds a batch to it. A record without it is of one."""


def resumed(path: Path, saved: Mapping[str, Any], given: Inputs) -> Inputs:
    """Return what a run goes on with: what it began with.

    A resumed run needs no `init` again. A checkpoint of before there was a record goes on with anything.

    Args:
        path: The checkpoint, for the message.
        saved: Its record.
        given: What there is now.

    Raises:
        TrainingError: If it is something else.
    """
    if not saved:
        return given
    kept = Inputs(**saved)
    for field in fields(Inputs):
        before, now = getattr(kept, field.name), getattr(given, field.name)
        if before != now and not (field.name == "init" and now is None):
            raise TrainingError(
                f"{path} is of a run with other {_name(field.name)}: {_words(before)}, this one has {_words(now)}; "
                f"{_WAYS_OUT[field.name].format(before)}, or choose another --out"
            )
    return kept


def sha256_of_samples(samples: Sequence[Pair | ImageBlock], *, named: Container[str] = ()) -> str:
    """Identify samples by their order, what is known of each, and the sizes and excerpts of their files.

    So folders may move, and pairs may go into shards; a large catalog takes about as long as reading what is known.

    Args:
        samples: Pairs or blocks.
        named: Packs that the configuration names. The name of another may be that of a folder, so of it only counts
            which samples share it.

    Raises:
        DataError: If a file cannot be read.
    """
    packs = {pack: number for number, pack in enumerate(dict.fromkeys(each.pack for each in samples))}
    digest = hashlib.sha256()
    for sample in samples:
        facts = {field.name: getattr(sample, field.name) for field in fields(sample)}
        files = {name: _excerpt(value) for name, value in facts.items() if isinstance(value, Path | Member)}
        facts["pack"] = sample.pack if sample.pack in named else packs[sample.pack]
        digest.update(json.dumps(facts | files).encode())
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """Identify a file by its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _excerpt(file: File) -> tuple[int, str]:
    """Return the size of a file and some of its bytes; in the middle of an image they are pixels in any format."""
    try:
        if isinstance(file, Member):
            path, first, size = file.shard, file.offset, file.size
        else:
            path, first, size = file, 0, file.stat().st_size
        with path.open("rb") as stream:
            stream.seek(first + size // 2)
            return size, stream.read(min(EXCERPT_BYTES, size - size // 2)).hex()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error}") from error


_WAYS_OUT = {
    "data": "resume with the same folders in the same order",
    "vgg19": "resume with the same weights",
    "init": "resume without --init, which a begun run needs no more",
    "precision": "resume with --precision {}",
    "processes": "resume with torchrun --nproc-per-node={}",
}


def _name(field: str) -> str:
    return field if field == "processes" else f"--{field}"


def _words(value: str | int | None) -> str:
    """Shorten a hash; a reader only compares it."""
    return "none" if value is None else str(value)[:12]
