"""Files and directories that only their owner may read: everything under the data directory.

A data directory may lie where other users can write, such as the shared temporary directory. What another user made
there is neither read nor used.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from relearn.schemas.errors import SetupError

#: Permissions of group and others.
OTHERS = 0o077
#: Of these, the permissions to change something.
_WRITE = 0o022


@contextmanager
def private_umask() -> Iterator[None]:
    """During the block, files and directories that this process makes are closed to other users."""
    before = os.umask(OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def make_private(directory: Path) -> Path:
    """Make `directory`, or close an existing one to other users.

    Raises:
        SetupError: it belongs to another user, or is a link that another user made.
        OSError: it can't be made.
    """
    with private_umask():
        directory.mkdir(parents=True, exist_ok=True)
    for info in (directory.lstat(), directory.stat()):
        _check_owner(directory, info, trusted_owners())
    _close(directory, directory.stat())
    return directory


def make_tree_private(root: Path, names: Collection[str], *, others: Collection[int] = ()) -> None:
    """Close `root`, and everything below these names in it, to other users.

    A directory whose owner is in `others`, user ids, is closed, and what is in it is left to that owner.

    Raises:
        SetupError: another user owns something there, which is then not used.
    """
    make_private(root)
    for name in names:
        _close_tree(root / name, trusted_owners(), others)


def _close_tree(path: Path, own: Collection[int], others: Collection[int]) -> None:
    try:
        info = path.lstat()
        is_directory = stat.S_ISDIR(info.st_mode)
        _check_owner(path, info, {*own, *others} if is_directory else own)
        if not stat.S_ISLNK(info.st_mode):
            _close(path, info)
        children = list(path.iterdir()) if is_directory and info.st_uid in own else []
    except FileNotFoundError:  # not made yet, or a process that is stopping removed it
        return
    for child in children:
        _close_tree(child, own, others)


def write_private(path: Path, text: str, *, owner: tuple[int, int] | None = None) -> None:
    """Write a file with mode 0600, atomically; never through a link. `owner`: user and group id, as root only."""
    scratch = path.with_name(path.name + ".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        if owner is not None:
            os.fchown(file.fileno(), *owner)
    scratch.replace(path)


def append_private(path: Path) -> BinaryIO:
    """Open a file to append to it, made with mode 0600; never through a link."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab")


def trusted_owners() -> set[int]:
    """User ids whose files this process uses: its own, root's, and under sudo those of the user who called it."""
    caller = os.environ.get("SUDO_UID", "") if os.geteuid() == 0 else ""
    return {0, os.geteuid(), *([int(caller)] if caller.isdecimal() else [])}


def untrusted(path: Path, *owners: int) -> str | None:
    """Why the file or directory must not be used: another user owns it, or may change it. None: no reason.

    `owners`: further user ids whose files are used.

    Raises:
        OSError: it can't be looked at.
    """
    info = path.stat()
    if info.st_uid not in {*trusted_owners(), *owners}:
        return f"it belongs to another user (uid {info.st_uid})"
    return "other users may change it" if info.st_mode & _WRITE else None


def _check_owner(path: Path, info: os.stat_result, owners: Collection[int]) -> None:
    if info.st_uid not in owners:
        raise SetupError(
            f"{path} belongs to another user (uid {info.st_uid}) and isn't used: start relearn as that user, "
            "or set RELEARN_DATA_DIR to a directory of your own"
        )


def _close(path: Path, info: os.stat_result) -> None:
    if info.st_mode & OTHERS:
        path.chmod(stat.S_IMODE(info.st_mode) & ~OTHERS)
