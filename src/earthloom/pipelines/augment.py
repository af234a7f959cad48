"""`earthloom augment`: class folders in, class folders out, every image of them made again in parallel worlds."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from earthloom.data.class_folders import SPLIT, TRAIN, ClassFolders, read_class_folders, with_made
from earthloom.errors import DataError, GeoError, SourceError, UsageError
from earthloom.io.imagery import Imagery
from earthloom.io.sinks import check_name, check_output
from earthloom.io.staging import staged
from earthloom.loom.loom import Loom, Progress
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.augment_plan import AugmentOptions, open_original, plan_world
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.run import is_made_by, weaving
from earthloom.pipelines.stages import warnings

log = logging.getLogger("earthloom")

_SIDECARS = (".aux.xml", ".pgw")
"""What GDAL and we lay beside images."""


def augment(
    folder: Path, out: Path, weights: CascadeWeights, options: AugmentOptions, progress: Progress | None = None
) -> list[str]:
    """Copy class folders, and make every image of them again, NAME_world1.png and on.

    Of folders with a `split.csv` only the images of its train split are made again, and the copy of it lists what was
    made of them as train. Every file gets its name when it is whole; an image that cannot be read is left aside.

    Args:
        folder: Holds the class folders.
        out: Gets them; made if it is not there.
        weights: The denoiser.
        options: What the user chose.
        progress: Told of every finished image.

    Returns:
        Why images failed, a line each.

    Raises:
        UsageError: If the output exists or holds other files, or an image has neither a place nor a size of pixels.
        DataError: If there are no class folders, none of their images is to train on, or two files would get one name.
        InterruptedRunError: On Ctrl-C.
    """
    data = read_class_folders(folder)
    made = _worlds(data, options.times)
    _check(data, made, out, options)
    _need_sizes([folder / image for image in made], options)
    with weaving([out], _tags(weights, options), options) as loom:
        _copy(data, out, options)
        run = _Run(loom, weights, options)
        for number, (image, files) in enumerate(made.items(), 1):
            run.make(folder / image, [out / file for file in files])
            if progress is not None:
                progress("images", number, len(made))
    if data.rows is not None:
        _put(out / SPLIT, with_made(data.rows, _present(made, out)).encode())
    return run.failed


@dataclass
class _Run:
    """Makes images again, one after the other, and remembers what is to be said."""

    loom: Loom
    weights: CascadeWeights
    options: AugmentOptions
    failed: list[str] = field(default_factory=list)
    warned: set[str] = field(default_factory=set)

    def make(self, image: Path, files: Sequence[Path]) -> None:
        """Make an image again in all its worlds, then forget its blocks."""
        try:
            imagery = open_original(image, self.options)
            self._warn(imagery)
            for world, file in enumerate(files, 1):
                self._make_world(imagery, file, world)
        except (SourceError, GeoError) as error:
            self.failed.append(str(error))
        self.loom.store.evict(0)

    def _make_world(self, imagery: Imagery, file: Path, world: int) -> None:
        plan = plan_world(imagery, self.weights, self.options, world)
        if self.options.resume and is_made_by(file, plan.provenance.tags()):
            return
        overwrite = self.options.overwrite or (self.options.resume and not file.exists())  # what lies beside it is ours
        check_output(file, overwrite=overwrite)
        plan.make(self.loom)
        plan.write(file, self.loom, overwrite=overwrite)

    def _warn(self, imagery: Imagery) -> None:
        lines = [*imagery.caveats, *warnings(FACTOR * imagery.gsd_m, self.weights, imagery.gsd_m)]
        if self.options.gsd_m is not None and imagery.crs is not None:
            lines.append(f"--gsd {self.options.gsd_m:g} is left aside for images that have a place")
        for line in lines:
            if line not in self.warned:
                log.warning(line)
            self.warned.add(line)


def _worlds(data: ClassFolders, times: int) -> dict[Path, list[Path]]:
    """Return the files to make of every image.

    Raises:
        DataError: If there is none to make, or two files would get one name.
    """
    images = data.train
    if data.unknown:
        log.warning(f"{SPLIT} lists {len(data.unknown)} files that are no image here, such as {data.unknown[0]}")
    if not images:
        raise DataError(
            f"{data.folder / SPLIT}: lists none of the {len(data.images)} images with split {TRAIN}, so nothing would "
            f"be made: want lines such as {data.images[0].as_posix()},{TRAIN}"
        )
    if len(images) < len(data.images):
        left = len(data.images) - len(images)
        log.warning(f"{left} of {len(data.images)} images are not of the train split in {SPLIT}: they are copied only")
    made = {
        image: [image.with_name(f"{image.stem}_world{world}.png") for world in range(1, times + 1)] for image in images
    }
    names = Counter([*data.files, *(file for files in made.values() for file in files)])
    for name, count in names.items():
        if count > 1:
            raise DataError(f"{data.folder / name}: {count} files would get this name: rename an image")
    return made


def _check(data: ClassFolders, made: Mapping[Path, Sequence[Path]], out: Path, options: AugmentOptions) -> None:
    """Refuse an output before any work is done for it."""
    source = data.folder.resolve()
    if source in (out.resolve(), *out.resolve().parents):
        raise UsageError(f"{out}: lies in {data.folder}, with whose images it would mix: choose another place")
    for file in [out, *(out / file for files in made.values() for file in files)]:
        check_name(file)
    if not out.parent.is_dir():
        raise UsageError(f"{out}: there is no folder {out.parent}: make it first")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out}: is a file: choose another name")
    there = [path for path in _files(out) if not path.name.endswith(_SIDECARS)]
    if there and not (options.overwrite or options.resume):
        raise UsageError(f"{out}: exists: go on with --resume, replace its files with --overwrite, or name another")
    strange = set(there) - {Path(SPLIT), *data.files, *(file for files in made.values() for file in files)}
    if strange:
        raise UsageError(f"{out / min(strange)}: is none of the files of this run: remove it, or name another folder")


def _files(out: Path) -> list[Path]:
    """Return the files in a folder, relative to it; hidden ones are left aside."""
    files = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return [file for file in files if not any(part.startswith(".") for part in file.parts)]


def _need_sizes(images: Sequence[Path], options: AugmentOptions) -> None:
    """Refuse images of which nobody knows how large their pixels are; what cannot be read is said later."""
    for image in images if options.gsd_m is None else ():
        with suppress(SourceError):
            open_original(image, options)


def _tags(weights: CascadeWeights, options: AugmentOptions) -> dict[str, str]:
    """Return what a stopped run must share with the one that goes on with it."""
    return {
        "verb": "augment",
        "model_sha256": weights.sha256,
        "seed": str(options.seed),
        "sampling": json.dumps(asdict(options.sampling)),
        "batch": str(options.call_batch),
        **options.device.describe,
    }


def _copy(data: ClassFolders, out: Path, options: AugmentOptions) -> None:
    """Copy the class folders byte for byte."""
    for file in data.files:
        source, copy = data.folder / file, out / file
        try:
            content = source.read_bytes()
        except OSError as error:
            raise SourceError(f"{source}: cannot be read: {error.strerror}") from error
        if copy.exists() and not options.overwrite and copy.read_bytes() != content:
            raise UsageError(f"{copy}: differs from {source}: replace it with --overwrite, or name another folder")
        copy.parent.mkdir(parents=True, exist_ok=True)
        _put(copy, content)


def _present(made: Mapping[Path, Sequence[Path]], out: Path) -> dict[Path, list[Path]]:
    return {image: [file for file in files if (out / file).exists()] for image, files in made.items()}


def _put(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; one that holds just this stays as it is."""
    if not path.exists() or path.read_bytes() != content:
        with staged(path) as stage:
            (stage / path.name).write_bytes(content)
