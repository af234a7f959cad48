"""From paths to the inputs of a study."""

from collections.abc import Sequence
from pathlib import Path

from earthloom.data.catalog import ImageBlock, read_catalog
from earthloom.metrics.features import Features, inception_features, vgg19_features
from earthloom.nn.inception import load_inception
from earthloom.nn.vgg import load_vgg19
from earthloom.pipelines.run import RunOptions


def read_catalogs(paths: Sequence[Path]) -> tuple[ImageBlock, ...]:
    """Return the blocks of all catalogs.

    Raises:
        DataError: If one cannot be read.
    """
    return tuple(block for path in paths for block in read_catalog(path))


def read_features(inception: Path | None, vgg19: Path | None, options: RunOptions) -> Features | None:
    """Return what InceptionV3 sees in pictures, without its weights VGG19, and None without either.

    Raises:
        ModelError: If the file is not such a network.
    """
    device, batch_size = options.device.type, max(8, options.call_batch)
    if inception is not None:
        return inception_features(load_inception(inception).to(device), batch_size=batch_size)
    if vgg19 is not None:
        return vgg19_features(load_vgg19(vgg19).to(device), batch_size=batch_size)
    return None
