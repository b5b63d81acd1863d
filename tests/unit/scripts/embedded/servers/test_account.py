"""What is opened for the account that Postgres runs under: as little as will do."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from relearn.scripts.embedded.servers import account
from relearn.scripts.embedded.servers.account import Account, open_tree, open_way_to

SOMEBODY = Account("somebody", 54_321, 54_321)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_above_get_search_and_nothing_else(tmp_path: Path) -> None:
    """Not listing, not writing, and only where search was missing."""
    closed, there = tmp_path / "closed", tmp_path / "closed" / "open" / "data"
    there.mkdir(parents=True)
    closed.chmod(0o700)
    (closed / "open").chmod(0o755)
    assert closed in open_way_to(SOMEBODY, there)
    assert (mode(closed), mode(closed / "open")) == (0o701, 0o755)
    assert open_way_to(SOMEBODY, there) == []


def test_programs_become_readable_and_stay_unwritable(tmp_path: Path) -> None:
    """A program may be run, a file may be read."""
    program, text = tmp_path / "program", tmp_path / "text"
    program.touch(mode=0o700)
    text.touch(mode=0o600)
    assert set(open_tree(SOMEBODY, tmp_path)) >= {program, text}
    assert (mode(program), mode(text)) == (0o705, 0o604)


def test_of_several_starts_at_once_one_makes_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls of useradd at once left one of two servers with a number that no user had."""
    made: list[str] = []
    together = Barrier(4)

    def look_up(name: str) -> Account:
        if name not in made:
            raise KeyError(name)
        return SOMEBODY

    def start(_: int) -> Account:
        together.wait()
        return account._unprivileged()

    monkeypatch.setattr(account, "_look_up", look_up)
    monkeypatch.setattr(account, "_make", made.append)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [SOMEBODY] * 4
    assert made == [account.NAME]
