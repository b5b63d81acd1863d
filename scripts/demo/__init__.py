"""`relearn demo`: all of it on this machine, in two acts, as a story of a few lines with a summary that is checked."""

from relearn.scripts.demo.command import demo

__all__ = ["demo"]
