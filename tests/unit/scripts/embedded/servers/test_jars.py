"""The jars that Java runs: those of the lock, and only while no other user can change them."""

import os
import stat
from pathlib import Path

import pytest

from relearn.schemas.errors import SetupError
from relearn.scripts.embedded.servers import jars


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory with a file for each jar."""
    for jar in jars.locked():
        (tmp_path / jar.filename).touch()
    return tmp_path


def test_a_jar_that_the_lock_does_not_name_is_not_on_the_class_path() -> None:
    """Java would load its classes before Kafka's own."""
    path = jars.class_path().split(os.pathsep)
    assert [Path(one).name for one in path] == [jar.filename for jar in jars.locked()]


def test_a_directory_that_others_could_write_is_closed_to_them(kept: Path) -> None:
    """It was made with a generous umask; reading stays allowed."""
    jar = kept / jars.locked()[0].filename
    kept.chmod(0o777)
    jar.chmod(0o666)
    jars.check_trusted(kept)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (kept, jar)] == [0o755, 0o644]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_a_jar_of_another_user_is_not_run(kept: Path) -> None:
    """The message names the file and the remedy."""
    jar = kept / jars.locked()[3].filename
    os.chown(jar, 54_321, 54_321)
    with pytest.raises(SetupError, match=rf"{jar.name}: it belongs to another user \(uid 54321\).*delete {kept}"):
        jars.check_trusted(kept)
