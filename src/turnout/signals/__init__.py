"""Facts read off a request, without I/O."""

from turnout.signals.extract import extract

__all__ = ["extract"]
