"""`relearn worker` offers the roles that there are."""

from relearn.agents.worker import main
from relearn.scripts.commands.worker import ROLES


def test_the_options_are_the_roles_that_a_worker_can_take() -> None:
    """The command names them itself, so that its help needn't import Faust."""
    assert tuple(main.ROLES) == ROLES
