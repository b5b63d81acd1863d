"""The `relearn` command: one module per verb."""
