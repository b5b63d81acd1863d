"""The output of the demo: `console` (steps and reports on stderr), `figures` (while it streams), `summary`."""
