"""The features of the namespace's records."""

from __future__ import annotations

from relearn.agents.stores.features.versions import StoredVersion, read_versions
from relearn.api.http.call import Call, Handlers
from relearn.api.http.problems import ProblemError
from relearn.schemas.http.features import Schema, SchemaChanged, SchemaFeature


async def get_schema(call: Call[None, None, None]) -> Schema:
    """As the examples that were loaded have decided."""
    stored = await read_versions(call.context.pool)
    if not stored:
        raise ProblemError("not-found", "No examples were loaded yet, so no features are known.")
    number, schema, defaults = stored[-1].version
    features = [SchemaFeature(*one) for one in schema.features]
    return Schema(number, features, dict(defaults), [_changed(one) for one in stored])


def _changed(one: StoredVersion) -> SchemaChanged:
    change = one.change or {}
    added = change["add"]["name"] if "add" in change else None
    return SchemaChanged(one.version.number, one.base, added, change.get("retire"), one.by, one.at.isoformat())


HANDLERS: Handlers = {"get_schema": get_schema}
