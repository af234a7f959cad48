"""What every run that writes files shares: options, the store beside the output, finished runs recognised."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from earthloom.errors import InterruptedRunError, SinkError, SourceError, UsageError
from earthloom.execution.executor import Threads
from earthloom.io.describe import describe
from earthloom.io.own_folder import own_folder
from earthloom.loom.loom import Loom, Progress
from earthloom.loom.store import Store, remove
from earthloom.pipelines.device import Device


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a user can choose about any run."""

    device: Device
    """Where to compute."""

    workers: int
    """Windows made at once; never changes a byte."""

    batch: int = 1
    """Windows a call of a network gets on CUDA; the CPU always takes one."""

    seed: int = 0
    """Of everything drawn at random."""

    overwrite: bool = False
    """Replace existing outputs."""

    resume: bool = False
    """Go on with a stopped run."""

    def __post_init__(self) -> None:
        """Refuse what no random numbers begin with."""
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: want at least 0")

    @property
    def call_batch(self) -> int:
        """Windows of one call."""
        return 1 if self.device.type == "cpu" else self.batch


@contextmanager
def weaving(
    outputs: Sequence[Path], tags: Mapping[str, str], options: RunOptions, progress: Progress | None = None
) -> Iterator[Loom]:
    """Give the loom of a run; its blocks live in `OUTPUT.parts` beside the first output until the run ends well.

    Args:
        outputs: What will be written.
        tags: Everything that decides the pixels; a store of other tags is refused.
        options: Workers, batch, resuming.
        progress: Told of every finished block.

    Raises:
        UsageError: If a stopped run lies in the way.
        SinkError: If another run is at it.
        StoreError: If it is another run's.
        InterruptedRunError: On Ctrl-C.
    """
    path = parts_of(outputs)
    try:
        with _alone(outputs[0]), _open_store(path, options) as store:
            store.claim(tags)
            yield Loom(store, Threads(options.workers), batch=options.call_batch, progress=progress)
    except (InterruptedRunError, KeyboardInterrupt) as interrupt:
        where = str(interrupt) or "interrupted"
        raise InterruptedRunError(f"{where}; what is finished is kept: go on with --resume") from interrupt
    remove(path)


def unfinished(tags_of: Mapping[Path, Mapping[str, str]], options: RunOptions) -> list[Path]:
    """Return the files still to be written: all, or of a resumed run those that do not carry their tags yet.

    Where nothing is left to do, what is left of the run goes.

    Args:
        tags_of: The files and the tags they are to carry; the first one's are also those of the run.
        options: Whether it is a resumed run.

    Raises:
        StoreError: If nothing is left to do, but what a stopped run left there is another run's.
    """
    left = [path for path, tags in tags_of.items() if not (options.resume and is_made_by(path, tags))]
    parts = parts_of(list(tags_of))
    if not left and parts.exists():
        with Store(parts) as store:
            store.claim(next(iter(tags_of.values())))
        remove(parts)
    return left


def may_replace(files: Sequence[Path], tags: Mapping[str, str], options: RunOptions) -> bool:
    """Say whether an output's files may be replaced: with --overwrite, or by a resumed run that made what is there."""
    there = [file for file in files if file.exists()]
    return options.overwrite or (options.resume and bool(there) and all(is_made_by(file, tags) for file in there))


def parts_of(outputs: Sequence[Path]) -> Path:
    """Return where the blocks of an unfinished run are kept."""
    return outputs[0].with_name(f"{outputs[0].name}.parts")


def is_made_by(path: Path, tags: Mapping[str, str]) -> bool:
    """Say whether an output is there and carries exactly these provenance tags."""
    try:
        return bool(describe(path)["tags"] == dict(tags))
    except SourceError:
        return False


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Hold an output for the whole of a run."""
    with ExitStack() as stack:
        try:
            stack.enter_context(own_folder(output, "weaving"))
        except OSError as error:
            raise SinkError(f"{output}: cannot be made: {error}") from error
        yield


@contextmanager
def _open_store(path: Path, options: RunOptions) -> Iterator[Store]:
    """Give the store of a run; one without a block is worth nothing and goes, one that cannot be read stays."""
    if path.exists() and not options.resume:
        if not options.overwrite:
            raise UsageError(f"{path} holds an unfinished run: go on with --resume, or start anew with --overwrite")
        remove(path)
    kept = path.exists()
    try:
        with Store(path) as store:
            kept = True
            try:
                yield store
            finally:
                kept = store.num_blocks() > 0
    finally:
        if not kept:
            with suppress(OSError):
                remove(path)
