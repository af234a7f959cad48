"""Everything Earthloom raises on purpose, as one tree.

A message names the thing, gives its value and says the way out; the command line prints it as one line.
"""


class EarthloomError(Exception):
    """Anything raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(EarthloomError):
    """Something wrong that the command line alone shows: a suffix, a zoom, a missing option."""

    exit_code = 2


class GeoError(EarthloomError):
    """A place that does not exist: a window without pixels, a tile off the map, an unknown CRS."""


class SourceError(EarthloomError):
    """An input that cannot be read as imagery."""


class SinkError(EarthloomError):
    """An output that cannot be written."""


class ShapeError(EarthloomError):
    """An array of the wrong shape or dtype."""


class StoreError(EarthloomError):
    """A block store that cannot be used: another run's, damaged, or on a full disk."""


class ModelError(EarthloomError):
    """A model, preset or checkpoint that is unknown, damaged or another one than asked for."""


class DataError(EarthloomError):
    """A dataset that lacks something training needs."""


class TrainingError(EarthloomError):
    """A training run that cannot start or go on."""


class PartlyFailedError(EarthloomError):
    """A run that finished without some of its parts; what failed was said before."""

    exit_code = 3


class InterruptedRunError(EarthloomError):
    """A run stopped by the user; what is finished is kept."""

    exit_code = 130
