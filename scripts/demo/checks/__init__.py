"""The checks at the end: `counts` in every place, accuracy on records `held_back`, and the `result` of the run."""
