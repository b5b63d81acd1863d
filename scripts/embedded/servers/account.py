"""Postgres refuses to run as root. Where we are root, it runs under an account of its own that owns nothing else.

The account must reach Postgres' programs and its data directory. Whatever stands in its way is opened as little as
possible (search for others on directories above, reading for others on Postgres' own files) and always said.
Where we aren't root, none of this happens.
"""

from __future__ import annotations

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
    """None unless we are root; then who owns `directory` or is to own it. What root itself owns there is given away."""
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
    """The account for Postgres, made at need; `nobody` where accounts can't be made."""
    try:
        return _look_up(NAME)
    except KeyError:
        _make(NAME)
    for name in (NAME, "nobody"):
        try:
            return _look_up(name)
        except KeyError:
            continue
    raise SetupError("Postgres won't run as root and there is no other account here: start relearn as another user")


def open_way_to(account: Account, path: Path) -> list[Path]:
    """Let `account` pass through the directories above `path`; returns those that had to be changed."""
    return [parent for parent in path.resolve().parents if _allow(account, parent, search=True, read=False)]


def open_tree(account: Account, root: Path) -> list[Path]:
    """Let `account` read and run what is below `root`; returns what had to be changed."""
    return [path for path in _walk(root) if _allow(account, path, search=_runs(path), read=True)]


def give(account: Account, directory: Path) -> None:
    """Make `account` the owner of an empty directory that nobody else may enter."""
    os.chown(directory, account.uid, account.gid)
    directory.chmod(0o700)


def _look_up(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(name, entry.pw_uid, entry.pw_gid)


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
