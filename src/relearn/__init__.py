"""Relearn in Python: `relearn.agents` is the folder agents/ at the top of the repository (docs/decisions/layout.md)."""

__version__ = "0.1.0"
