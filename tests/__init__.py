"""Tests of Relearn, in the tree's own order."""

import os

# Before numpy is imported, for the tests' processes and those that they start: three files run at a time on few cores,
# where the threads of BLAS wait for one another with the processor busy.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
