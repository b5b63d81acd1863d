"""Postgres refuses to run as root. Under root, it runs under an account of its own that owns nothing else.

The account must reach Postgres' programs and its data directory. Permissions are added as narrowly as possible (search
for others on directories above, read for others on Postgres' own files) and every change is reported as an event.
Without root, none of this happens.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from relearn.schemas.errors import SetupError

NAME = "relearn-postgres"


@dataclass(frozen=True)
class Account:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def owner_for(directory: Path) -> Account | None:
    """None without root; else the account that owns `directory` or shall own it. Root's files there change owner."""
    if os.geteuid() != 0:
        return None
    if not directory.exists():
        return _unprivileged()
    info = directory.stat()
    if info.st_uid != 0:
        return Account(str(info.st_uid), info.st_uid, info.st_gid)
    account = _unprivileged()
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return account


def _unprivileged() -> Account:
    """The account for Postgres, created if missing; the user `nobody` if accounts can't be created."""
    try:
        return _look_up(NAME)
    except KeyError:
        _make_once(NAME)
    for name in (NAME, "nobody"):
        try:
            return _look_up(name)
        except KeyError:
            continue
    raise SetupError("Postgres won't run as root and there is no other account here: start relearn as another user")


def open_way_to(account: Account, path: Path) -> list[Path]:
    """Let `account` enter the directories above `path`; returns the changed ones."""
    return [parent for parent in path.resolve().parents if _allow(account, parent, search=True, read=False)]


def open_tree(account: Account, root: Path) -> list[Path]:
    """Let `account` read and execute everything below `root`; returns the changed paths."""
    return [path for path in _walk(root) if _allow(account, path, search=_runs(path), read=True)]


def give(account: Account, directory: Path) -> None:
    """Make `account` the owner of an empty directory, with mode 700."""
    os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)


def _look_up(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid)


def _make_once(name: str) -> None:
    """One process at a time: two calls of useradd at once can each take a number, of which one is lost again."""
    directory = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        try:
            _look_up(name)
        except KeyError:
            _make(name)
    finally:
        os.close(directory)


def _make(name: str) -> None:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false", name],
            check=False,  # a machine whose accounts are read-only: the caller looks again
            capture_output=True,
        )


def _walk(root: Path) -> Iterator[Path]:
    yield root
    for path in root.rglob("*"):
        if not path.is_symlink():
            yield path


def _runs(path: Path) -> bool:
    return path.is_dir() or bool(path.stat().st_mode & stat.S_IXUSR)


def _allow(account: Account, path: Path, *, search: bool, read: bool) -> bool:
    info = path.stat()
    shift = 6 if info.st_uid == account.uid else 3 if info.st_gid == account.gid else 0
    wanted = ((stat.S_IXOTH if search else 0) | (stat.S_IROTH if read else 0)) << shift
    if info.st_mode & wanted == wanted:
        return False
    path.chmod(stat.S_IMODE(info.st_mode) | wanted)
    return True
