"""One file per message version, never changed once it is here: an old message always decodes.

`python -m tests.contract.golden` adds the files that aren't there yet.
"""
