"""Earthloom turns imagery of a place into maps of it at every scale."""

__version__ = "0.1.0"
