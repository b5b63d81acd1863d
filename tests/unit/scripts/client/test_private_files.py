"""Everything under the data directory is closed to other users, and what they made is not used."""

import os
import stat
from pathlib import Path

import pytest

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import (
    append_private,
    make_private,
    make_tree_private,
    private_umask,
    untrusted,
    write_private,
)

ANOTHER_USER = 54_321
NAMES = ("kafka", "postgres", "servers.json", "logs", "program", "link")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_directory_that_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    """Every file and directory, however deep; what their owner may do stays."""
    deep = tmp_path / "data" / "kafka" / "data"
    deep.mkdir(parents=True)
    (deep / "0.log").touch()
    program = tmp_path / "data" / "program"
    program.touch()
    for path, permissions in ((deep / "0.log", 0o644), (program, 0o755), (deep, 0o777), (tmp_path / "data", 0o755)):
        path.chmod(permissions)
    make_tree_private(tmp_path / "data", NAMES)
    assert [mode(path) for path in (tmp_path / "data", deep, deep / "0.log", program)] == [0o700, 0o700, 0o600, 0o700]


def test_other_files_in_the_directory_stay_as_they_are(tmp_path: Path) -> None:
    """The data directory may be a directory that a person uses for more, such as a clone."""
    theirs = tmp_path / "shared"
    theirs.touch(mode=0o644)
    theirs.chmod(0o644)
    make_tree_private(tmp_path, NAMES)
    assert (mode(tmp_path), mode(theirs)) == (0o700, 0o644)


@as_root
def test_a_link_of_another_user_is_not_followed(tmp_path: Path) -> None:
    """It could lead to any directory of this user, which would then be closed."""
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "data").symlink_to(tmp_path / "home")
    os.chown(tmp_path / "data", ANOTHER_USER, ANOTHER_USER, follow_symlinks=False)
    with pytest.raises(SetupError, match="belongs to another user"):
        make_private(tmp_path / "data")
    assert mode(tmp_path / "home") == 0o755


def test_what_a_link_points_to_stays_as_it_is(tmp_path: Path) -> None:
    """A link in the data directory must not change a file elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.touch(mode=0o644)
    data = make_private(tmp_path / "data")
    (data / "link").symlink_to(elsewhere)
    make_tree_private(data, NAMES)
    assert mode(elsewhere) == 0o644


@as_root
@pytest.mark.parametrize("planted", [".", "servers.json", "kafka/server.properties", "logs"])
def test_what_another_user_made_is_named_and_refused(tmp_path: Path, planted: str) -> None:
    """The directory itself or anything in it: another user could have been first in a shared directory."""
    path = tmp_path / "data" / planted
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir() if planted in {".", "logs"} else path.touch()
    os.chown(path, ANOTHER_USER, ANOTHER_USER)
    with pytest.raises(SetupError, match=rf"{path}.* belongs to another user \(uid {ANOTHER_USER}\)"):
        make_tree_private(tmp_path / "data", NAMES)


@as_root
def test_the_account_of_postgres_may_own_its_files(tmp_path: Path) -> None:
    """Under root, Postgres runs as a user of its own."""
    cluster = make_private(tmp_path / "data" / "postgres")
    os.chown(cluster, ANOTHER_USER, ANOTHER_USER)
    make_tree_private(tmp_path / "data", NAMES, others=[ANOTHER_USER])


def test_a_file_is_written_for_its_owner_and_never_through_a_link(tmp_path: Path) -> None:
    """Whatever stood there, and whatever the umask."""
    elsewhere, path = tmp_path / "elsewhere", tmp_path / "servers.json"
    elsewhere.write_text("mine")
    path.symlink_to(elsewhere)
    (tmp_path / "servers.json.new").symlink_to(elsewhere)
    before = os.umask(0)
    try:
        write_private(path, "secret")
        with append_private(tmp_path / "log") as file:
            file.write(b"line")
    finally:
        os.umask(before)
    assert (elsewhere.read_text(), path.read_text(), mode(path), mode(tmp_path / "log")) == (
        "mine",
        "secret",
        0o600,
        0o600,
    )
    (tmp_path / "linked").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic"):
        append_private(tmp_path / "linked")


def test_the_umask_is_back_after_the_block(tmp_path: Path) -> None:
    """Files that the command writes for its user are not concerned."""
    before = os.umask(0o022)
    try:
        with private_umask():
            (tmp_path / "inside").touch()
        (tmp_path / "outside").touch()
    finally:
        os.umask(before)
    assert (mode(tmp_path / "inside"), mode(tmp_path / "outside")) == (0o600, 0o644)


def test_a_file_that_others_may_change_is_not_trusted(tmp_path: Path) -> None:
    """Reading permission is no danger here, writing permission is."""
    path = tmp_path / "servers.json"
    path.touch()
    path.chmod(0o644)
    assert untrusted(path) is None
    path.chmod(0o622)
    assert untrusted(path) == "other users may change it"


@as_root
def test_what_is_in_a_directory_of_that_account_is_left_to_it(tmp_path: Path) -> None:
    """A link that the account puts there could lead root's changes to any file."""
    cluster = make_private(tmp_path / "data" / "postgres")
    inside = cluster / "PG_VERSION"
    inside.touch(mode=0o644)
    for path in (cluster, inside):
        os.chown(path, ANOTHER_USER, ANOTHER_USER)
    cluster.chmod(0o755)
    make_tree_private(tmp_path / "data", NAMES, others=[ANOTHER_USER])
    assert (mode(cluster), mode(inside)) == (0o700, 0o644)
