"""Every operation with every kind of API key: allowed or rejected as in the contract's table."""

from __future__ import annotations

import re

import pytest

from relearn.api.access.guard import may
from relearn.schemas.http.operation import ROLES, Operation, Role
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving
from tests.support.data.keyed import a_key, bearer

#: The contract's table, whatever variables are called. What stands in none of these is `read`.
NO_KEY = {"/livez", "/readyz", "/openapi.json", "/asyncapi.json", "/docs", "/docs/{file}", "/", "/web/{path}"}
NEEDED: dict[tuple[str, str], Role] = {
    ("POST", "/v1/batches"): "ingest",
    ("PATCH", "/v1/batches/{}"): "review",
    ("GET", "/v1/review-queue"): "review",
    ("POST", "/v1/review-queue"): "review",
    ("POST", "/v1/feedback"): "review",
    ("POST", "/v1/jobs"): "admin",
    ("POST", "/v1/models/{}/activate"): "admin",
    ("POST", "/v1/retraining/hold"): "admin",
    ("POST", "/v1/retraining/resume"): "admin",
    ("POST", "/v1/retraining/rollback"): "admin",
    ("POST", "/v1/dead-letters/{}/redrive"): "admin",
    ("POST", "/v1/redrive"): "admin",
}


def needed(operation: Operation) -> Role | None:
    if operation.path in NO_KEY:
        return None
    return NEEDED.get((operation.method, re.sub(r"{\w+}", "{}", operation.path)), "read")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_each_operation_needs_the_role_of_the_contract(operation: Operation) -> None:
    assert operation.role == needed(operation)


async def status_of(client: Client, operation: Operation, headers: dict[str, str]) -> int:
    """The status of a request without parameters or body; a stream isn't read to its end."""
    path = re.sub(r"{\w+}", "1", operation.path)
    async with client.http.request(operation.method, path, headers=headers) as response:
        return response.status


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_a_key_opens_what_its_role_includes_and_nothing_else(migrated: Settings, role: Role | None) -> None:
    """Without a key, or with too low a role: 401 or 403. With a sufficient role: any other status."""
    text = await a_key(migrated, role or "admin")
    headers = bearer(text) if role else {}
    async with serving(migrated) as client:
        wrong = {}
        for operation in OPERATIONS:
            status = await status_of(client, operation, headers)
            if operation.role is None or (role is not None and may(role, operation.role)):
                well = status not in {401, 403, 500}
            else:
                well = status == (401 if role is None else 403)
            if not well:
                wrong[operation.id] = status
        assert wrong == {}


@pytest.mark.parametrize("lower", range(len(ROLES)))
@pytest.mark.parametrize("higher", range(len(ROLES)))
def test_a_role_includes_those_before_it(lower: int, higher: int) -> None:
    assert may(ROLES[higher], ROLES[lower]) == (higher >= lower)
