"""`relearn demo`: runs everything on this machine, streams, reviews and retrains, and checks every count at the end.

Order of reading: `command` (options), `run` (the steps), `options` (the split of the data), `setup` (first champion,
workers), `scenarios` (learning, drifting), traffic/ (what is sent: records, reviews, the shift), `monitor` and watch/
(what is read back while it streams), checks/ (counts, held-back accuracy, the result), display/ (output), `next_steps`.
"""

from relearn.scripts.demo.command import demo

__all__ = ["demo"]
