"""A program between the supervisor and a child: ties its life to the supervisor's, then becomes the child.

    python -I -S launch.py PARENT_PID DEATH_SIGNAL UID GID COMMAND …

The kernel (Linux) sends DEATH_SIGNAL when the supervisor ends for any reason. The child must request that after it has
changed its user and before it becomes its program. A program of its own does so without running Python code in a forked
copy of a threaded parent. Files that the child makes are closed to other users.

Standard library only; UID -1 keeps the user.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    parent, death_signal, uid, gid = (int(value) for value in argv[:4])
    os.umask(0o077)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.execv(argv[4], argv[4:])  # noqa: S606 - our own argv, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
