"""Earthloom turns imagery of a place into maps of it at every scale."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from earthloom.pipelines.api import load as load

__version__ = "0.1.0"
__all__ = ["load"]


def __getattr__(name: str) -> object:
    """Import the pipelines, and torch with them, when they are asked for."""
    if name == "load":
        from earthloom.pipelines.api import load

        return load
    raise AttributeError(f"module 'earthloom' has no attribute {name!r}")
