"""Samples in uncompressed tar files, laid out as WebDataset has them.

The files of a sample share the name before the first dot; what follows says what each is. Members are read in place,
so shards are sampled in any order, as folders are.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earthloom.errors import DataError

SUFFIX = ".tar"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a shard."""

    shard: Path
    """The tar."""

    name: str
    """Its name there."""

    offset: int
    """Its first byte in the tar."""

    size: int
    """Its length in bytes."""

    @property
    def stem(self) -> str:
        """The key of its sample."""
        return Path(self.name).name.partition(".")[0]

    def read(self) -> bytes:
        """Return its bytes."""
        with self.shard.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def __str__(self) -> str:
        """Return shard and name."""
        return f"{self.shard}:{self.name}"


def find(path: Path) -> list[Path]:
    """Return the shards of a folder in the order of their names, or the one shard that the path is; else none."""
    if path.is_file():
        return [path] if path.suffix == SUFFIX else []
    return sorted(path.glob(f"*{SUFFIX}"))


def read_json(member: Member) -> dict[str, Any]:
    """Read what a sample says about itself.

    Raises:
        DataError: If it is no JSON object.
    """
    try:
        facts = json.loads(member.read())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{member} is no JSON: {error}") from error
    if not isinstance(facts, dict):
        raise DataError(f"{member} holds {type(facts).__name__}, want an object with gsd_m, split, site, pack")
    return facts


def read_samples(shard: Path) -> Iterator[dict[str, Member]]:
    """Yield the samples of a shard in their order, each as {what: member}.

    Raises:
        DataError: If the shard is missing, compressed, cut short or no tar.
    """
    key, sample = "", dict[str, Member]()
    for member in _members(shard):
        stem, _, what = Path(member.name).name.partition(".")
        found = str(Path(member.name).with_name(stem))
        if found != key and sample:
            yield sample
            sample = {}
        key = found
        sample[what] = member
    if sample:
        yield sample


def write_samples(samples: Iterable[tuple[str, Mapping[str, bytes]]], out: Path, *, shard_bytes: int) -> list[Path]:
    """Write `(key, {what: bytes})` into `out/000000.tar` and on, a new shard when one has `shard_bytes`.

    Equal samples give equal bytes: no owners, no times.
    """
    written: list[Path] = []
    tar: tarfile.TarFile | None = None
    try:
        for key, files in samples:
            if tar is None or tar.offset >= shard_bytes:
                if tar is not None:
                    tar.close()
                written.append(out / f"{len(written):06}{SUFFIX}")
                tar = tarfile.open(written[-1], "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
            for what, content in files.items():
                info = tarfile.TarInfo(f"{key}.{what}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    finally:
        if tar is not None:
            tar.close()
    return written


def _members(shard: Path) -> Iterator[Member]:
    try:
        size = shard.stat().st_size
        with tarfile.open(shard, "r:") as tar:
            for info in tar:
                if info.offset_data + info.size > size:
                    raise DataError(f"{shard} is cut short in {info.name}; copy it again")
                if info.isfile():
                    yield Member(shard, info.name, info.offset_data, info.size)
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"{shard} is no uncompressed tar that can be read ({error})") from error
