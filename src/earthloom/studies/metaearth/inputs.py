"""From paths to the inputs of a study."""

from collections.abc import Sequence
from pathlib import Path

from earthloom.data.catalog import ImageBlock, read_catalog
from earthloom.metrics.features import Features, vgg19_features
from earthloom.nn.vgg import load_vgg19
from earthloom.pipelines.run import RunOptions


def read_catalogs(paths: Sequence[Path]) -> tuple[ImageBlock, ...]:
    """Return the blocks of all catalogs.

    Raises:
        DataError: If one cannot be read.
    """
    return tuple(block for path in paths for block in read_catalog(path))


def read_features(vgg19: Path | None, options: RunOptions) -> Features | None:
    """Return what VGG19 sees in pictures, or None without its weights.

    Raises:
        ModelError: If the file is no VGG19.
    """
    if vgg19 is None:
        return None
    return vgg19_features(load_vgg19(vgg19).to(options.device.type), batch_size=max(8, options.call_batch))
