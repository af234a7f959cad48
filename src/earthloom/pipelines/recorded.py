"""From what a file says of its making back to the plan it was made by."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from earthloom.errors import GeoError, SourceError, UsageError
from earthloom.geo.crs import Bounds
from earthloom.io.describe import describe
from earthloom.io.imagery import Imagery
from earthloom.io.inputs import inspect
from earthloom.io.remote import is_remote
from earthloom.pipelines.augment_plan import AugmentOptions, plan_world
from earthloom.pipelines.cascade_plan import SPREAD_OF, CascadeOptions, plan_cascade
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, plan_map
from earthloom.pipelines.plan import Plan
from earthloom.pipelines.series import SeriesWeights
from earthloom.pipelines.stages import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The provenance of a file."""

    path: Path
    """The file."""

    tags: Mapping[str, str]
    """All of it."""

    parameters: Mapping[str, Any]
    """What the user chose then."""

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        """Read the provenance of a file.

        Raises:
            SourceError: If it carries none, or that of something that cannot be woven again.
        """
        tags = describe(path)["tags"]
        try:
            parameters: dict[str, Any] = json.loads(tags["EARTHLOOM_PARAMETERS"])
            known = NEEDED | _VERBS[parameters["verb"]].needed <= parameters.keys() and tags.keys() >= TAGS
        except (KeyError, ValueError, TypeError, RecursionError):
            known = False
        if not known:
            verbs = " or ".join(f"`earthloom {verb}`" for verb in _VERBS)
            raise SourceError(f"{path}: carries no provenance to weave it again by: verify what {verbs} made")
        return cls(path=path, tags=tags, parameters=parameters)

    @property
    def bounds(self) -> Bounds | None:
        """The part of the image that was asked for."""
        bounds = self.parameters["bounds"]
        return None if bounds is None else tuple(bounds)

    def image(self, source: Path | None) -> Imagery:
        """Return the image it was made of, read as it was then.

        Raises:
            SourceError: If the image is not at `source`, nor, without one, beside the file by its recorded name; or it
                cannot be read as it was then.
        """
        found = source or self.path.parent / self.tags["EARTHLOOM_INPUT"]
        if not (is_remote(found) or found.exists()):
            raise SourceError(f"{found}: no such file, and {self.path} was made of it: name the image with --input")
        with _as_recorded(f"{found}: cannot be read as {self.path} says it was read"):
            scale = self.parameters["scale"]
            return inspect(
                found,
                bidx=tuple(self.parameters["bands"]),
                gsd_m=self.parameters["gsd_m"],
                scale=None if scale is None else tuple(scale),
            )

    def plan(self, imagery: Imagery, model: str | None, device: Device) -> Plan:
        """Return the plan it was made by.

        Args:
            imagery: The image.
            model: Weights; None takes the recorded name.
            device: Where to compute.

        Raises:
            ModelError: If the weights are not to be found.
            SourceError: If there is no such plan: it is another image, or the provenance was changed.
        """
        verb = _VERBS[self.parameters["verb"]]
        with _as_recorded(self.mismatch(imagery)):
            batch, seed = int(self.tags["EARTHLOOM_BATCH"]), int(self.tags["EARTHLOOM_SEED"])
            run = {"device": device, "workers": 1, "batch": batch, "seed": seed}
            return verb.plan(self, imagery, model or self.tags["EARTHLOOM_MODEL"], run)

    def mismatch(self, imagery: Imagery) -> str:
        """Say what is wrong where the file cannot have been made of this image as its provenance says."""
        if imagery.sha256 != self.tags["EARTHLOOM_INPUT_SHA256"]:
            return f"{imagery.path}: is another image than {self.path} was made of: name the right one with --input"
        if imagery.sidecars_sha256 != self.tags.get("EARTHLOOM_INPUT_SIDECARS_SHA256", ""):
            return f"{imagery.path}: what lies beside it (mask, world file, ...) is not what {self.path} was made with"
        return f"{self.path}: was cut, resampled or parted from its world file since, or its provenance was changed"


NEEDED = {"bands", "gsd_m", "scale"}
"""Parameters of every verb."""

TAGS = {f"EARTHLOOM_{name}" for name in ("INPUT", "INPUT_SHA256", "MODEL", "BATCH", "SEED")}
"""Tags of every file that its plan needs."""


@contextmanager
def _as_recorded(problem: str) -> Iterator[None]:
    """Turn what recorded values may set off, being any text, into one error."""
    try:
        yield
    except (SourceError, UsageError, GeoError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise SourceError(f"{problem} ({error})") from error


@dataclass(frozen=True, slots=True)
class _Verb:
    """How what a verb made is planned again."""

    needed: frozenset[str]
    plan: Callable[[Recorded, Imagery, str, dict[str, Any]], Plan]


def _map(recorded: Recorded, imagery: Imagery, model: str, run: dict[str, Any]) -> Plan:
    zooms = recorded.parameters["zooms"]
    options = MapOptions(zooms=(max(zooms), min(zooms)), bounds=recorded.bounds, **run)
    return plan_map(imagery, SeriesWeights.read(model), options)


def _cascade(recorded: Recorded, imagery: Imagery, model: str, run: dict[str, Any]) -> Plan:
    """Plan one file of a cascade: a world has its own seed, their spread needs them all."""
    samples = recorded.parameters.get(SPREAD_OF, 1)
    options = CascadeOptions(
        res_m=recorded.parameters["res_m"],
        bounds=recorded.bounds,
        sampling=_sampling(recorded),
        samples=samples,
        uncertainty=samples > 1,
        **run,
    )
    return plan_cascade(imagery, CascadeWeights.read(model), options)[-1]


def _augment(recorded: Recorded, imagery: Imagery, model: str, run: dict[str, Any]) -> Plan:
    options = AugmentOptions(sampling=_sampling(recorded), **run)
    return plan_world(imagery, CascadeWeights.read(model), options, recorded.parameters["world"])


def _sampling(recorded: Recorded) -> Sampling:
    return Sampling(**{name: recorded.parameters[name] for name in _SAMPLING})


_SAMPLING = frozenset(field.name for field in fields(Sampling))
_VERBS = {
    "map": _Verb(frozenset({"zooms", "bounds"}), _map),
    "cascade": _Verb(_SAMPLING | {"res_m", "bounds"}, _cascade),
    "augment": _Verb(_SAMPLING | {"world"}, _augment),
}
