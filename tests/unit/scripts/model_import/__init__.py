"""The tests of `scripts/model_import`."""
