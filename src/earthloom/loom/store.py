"""Finished blocks on disk: one SQLite file, a row a block; the commit is the journal."""

import json
import sqlite3
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from earthloom.errors import StoreError
from earthloom.io.provenance import differences
from earthloom.io.raster import Raster
from earthloom.io.staging import is_full
from earthloom.loom.layer import Block, Layer

_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    layer TEXT NOT NULL, row INTEGER NOT NULL, col INTEGER NOT NULL, pixels BLOB, mask BLOB,
    UNIQUE (layer, row, col)
);
"""


class Store:
    """Blocks by (layer identity, row, col); any thread may read, one thread writes.

    A block is committed before it counts as done, so whatever kills the process loses at most the blocks in flight.
    """

    def __init__(self, path: Path, *, cache_blocks: int = 32) -> None:
        """Open or create the file.

        Args:
            path: The SQLite file; SQLite keeps `-wal` and `-shm` files beside it.
            cache_blocks: How many decoded blocks stay in memory.

        Raises:
            StoreError: If the file is no store or cannot be made.
        """
        self.path = path
        self._lock = threading.RLock()
        self._cache: OrderedDict[tuple[str, Block], Raster] = OrderedDict()
        self._cache_blocks = cache_blocks
        with self._guard():
            self._connection = sqlite3.connect(path, timeout=60.0, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.executescript(_SCHEMA)

    def __enter__(self) -> "Store":
        """Return the store."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def claim(self, run: Mapping[str, str]) -> None:
        """Tie the store to a run, or check that it is that run's.

        Args:
            run: What decides the run's pixels: input, model, seed, parameters; JSON where it is more than a word.

        Raises:
            StoreError: If it holds blocks of another run; the message names what differs.
        """
        with self._guard():
            stored = self._connection.execute("SELECT name, value FROM run").fetchall()
            changed = differences({name: json.loads(value) for name, value in stored}, run) if stored else {}
            if changed:
                said = ", ".join(f"its {name} is {there}, now it is {here}" for name, (there, here) in changed.items())
                raise StoreError(
                    f"{self.path} belongs to another run: {said}; "
                    "use the same options to resume, or --overwrite without --resume to start anew"
                )
            with self._connection as connection:
                rows = [(name, json.dumps(value)) for name, value in run.items()]
                connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?)", rows)

    def missing(self, layer: Layer, blocks: Iterable[Block]) -> list[Block]:
        """Return those blocks that are not stored, in the order given."""
        wanted = list(blocks)
        if not wanted:
            return []
        rows = [row for row, _ in wanted]
        query = "SELECT row, col FROM blocks WHERE layer = ? AND row BETWEEN ? AND ?"
        with self._guard():
            stored = set(self._connection.execute(query, (layer.identity, min(rows), max(rows))))
        return [block for block in wanted if block not in stored]

    def put(self, layer: Layer, block: Block, raster: Raster) -> None:
        """Commit a block; a wholly masked one takes no room."""
        blobs = (zlib.compress(raster.pixels.tobytes(), 1), zlib.compress(np.packbits(raster.mask).tobytes(), 1))
        row = (layer.identity, *block, *(blobs if raster.mask.any() else (None, None)))
        with self._guard(), self._connection as connection:
            connection.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?, ?)", row)
        self._remember((layer.identity, block), raster)

    def get(self, layer: Layer, block: Block) -> Raster:
        """Return a finished block.

        Raises:
            StoreError: If it is not stored.
        """
        key = (layer.identity, block)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        query = "SELECT pixels, mask FROM blocks WHERE layer = ? AND row = ? AND col = ?"
        with self._guard():
            found = self._connection.execute(query, (layer.identity, *block)).fetchone()
        if found is None:
            raise StoreError(f"{self.path} lacks block {block} of layer {layer.name!r}; it was read before it was made")
        try:
            raster = _decode(layer, *found)
        except (zlib.error, ValueError) as error:
            raise self._damaged(error) from error
        self._remember(key, raster)
        return raster

    def drop(self, layer: Layer, blocks: Iterable[Block]) -> None:
        """Forget blocks, so that the next read makes them anew."""
        keys = [(layer.identity, *block) for block in blocks]
        with self._guard(), self._connection as connection:
            connection.executemany("DELETE FROM blocks WHERE layer = ? AND row = ? AND col = ?", keys)
        with self._lock:
            for identity, row, col in keys:
                self._cache.pop((identity, (row, col)), None)

    def evict(self, keep_blocks: int) -> None:
        """Forget the oldest blocks beyond `keep_blocks`; they are made again when asked for."""
        query = "DELETE FROM blocks WHERE rowid NOT IN (SELECT rowid FROM blocks ORDER BY rowid DESC LIMIT ?)"
        with self._guard(), self._connection as connection:
            connection.execute(query, (keep_blocks,))
        with self._lock:
            self._cache.clear()

    def num_blocks(self) -> int:
        """Count the stored blocks of all layers."""
        with self._guard():
            return int(self._connection.execute("SELECT count(*) FROM blocks").fetchone()[0])

    def _remember(self, key: tuple[str, Block], raster: Raster) -> None:
        with self._lock:
            self._cache[key] = raster
            while len(self._cache) > self._cache_blocks:
                self._cache.popitem(last=False)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            folder = self.path.parent
            no_room = "full" in str(error) or (folder.is_dir() and is_full(folder))
            hint = "is it a file in a folder that may be written to?"
            if no_room:
                hint = "free some space and run again with --resume"
            raise StoreError(f"cannot use the block store {self.path}: {error}; {hint}") from error
        except (sqlite3.DatabaseError, ValueError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(f"{self.path} is damaged or no block store: {error}; delete it and start anew")


def remove(path: Path) -> None:
    """Delete a store's file and what SQLite keeps beside it, where they exist."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _decode(layer: Layer, pixels: bytes | None, mask: bytes | None) -> Raster:
    size = layer.block_px + 2 * layer.overlap_px
    if pixels is None or mask is None:
        return Raster.empty(layer.bands, size, size, layer.dtype)
    bits = np.unpackbits(np.frombuffer(zlib.decompress(mask), np.uint8), count=size * size)
    return Raster(
        np.frombuffer(zlib.decompress(pixels), layer.dtype).reshape(layer.bands, size, size),
        bits.reshape(size, size).astype(np.bool_),
    )
