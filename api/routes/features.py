"""The features of the namespace's records."""

from __future__ import annotations

from relearn.agents.stores.training.examples import read_numbered_schema
from relearn.api.http.call import Call, Handlers
from relearn.api.http.problems import ProblemError
from relearn.schemas.http.features import Schema, SchemaFeature


async def get_schema(call: Call[None, None, None]) -> Schema:
    """As the examples that were loaded have decided."""
    found = await read_numbered_schema(call.context.pool)
    if found is None:
        raise ProblemError("not-found", "No examples were loaded yet, so no features are known.")
    number, schema = found
    return Schema(number, [SchemaFeature(*one) for one in schema.features])


HANDLERS: Handlers = {"get_schema": get_schema}
