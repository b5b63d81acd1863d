"""One module per verb of `relearn`: options, a call, an exit code. `relearn.scripts.cli` lists them."""
