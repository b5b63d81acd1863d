"""Models, their lineage and their examples."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from aiohttp import web
from msgspec import Struct

from relearn.agents.stores.feedback.review_counts import NONE, Audits, live_audits
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.examples_writer import writer
from relearn.agents.stores.training.lineage import Used, lineage_fields, read_lineage, used_examples
from relearn.agents.stores.training.models import LOST, ModelRow, features_of_model, model_row_fields, read_model
from relearn.agents.stores.training.models import list_models as read_models
from relearn.api.http.budget import VALUE_BYTES
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, Int32, Int64
from relearn.api.http.problems import ProblemError
from relearn.api.http.request import LEASE
from relearn.api.http.responses import PIECE_BYTES, stream_file
from relearn.api.queries.accuracy import estimate_accuracy
from relearn.api.writes.commands import send_command
from relearn.schemas.http.accuracy import Accuracy
from relearn.schemas.http.models import (
    CSV,
    NDJSON,
    ActivateQuery,
    ExamplesQuery,
    Model,
    ModelLineage,
    ModelPath,
    ModelsQuery,
    TrainingExample,
)
from relearn.schemas.http.operation import AcceptedCommand, Page


class _Key(Struct, frozen=True):
    version: Int32


class _Passed(Struct, frozen=True):
    """The number of examples up to here: a model's examples never change, and a count is shorter than a key."""

    examples: Int64


_models = Cursors("models", _Key)
_examples = Cursors("examples", _Passed)


async def list_models(call: Call[None, ModelsQuery, None]) -> Page[Model]:
    """A page of models, newest first."""
    pool, query = call.context.pool, call.query

    async def fetch(after: _Key | None, limit: int) -> Sequence[ModelRow]:
        before = None if after is None else after.version
        return await read_models(pool, limit, before=before, state=query.state)

    rows, following = await _models.page(query, fetch, lambda row: _Key(row.version))
    audits = await live_audits(pool, [row.version for row in rows])
    items = [msgspec.convert({**model_row_fields(row), "live": _live(audits, row)}, Model) for row in rows]
    return Page(items, following)


async def get_model(call: Call[ModelPath, None, None]) -> ModelLineage:
    """One model with its lineage."""
    found = await read_lineage(call.context.pool, call.path.version)
    if found is None:
        raise _not_found(call.path.version)
    audits = await live_audits(call.context.pool, [found.model.version])
    return msgspec.convert({**lineage_fields(found), "live": _live(audits, found.model)}, ModelLineage)


async def list_model_examples(call: Call[ModelPath, ExamplesQuery, None]) -> Page[TrainingExample] | web.StreamResponse:
    """A page of training examples, or all as a file."""
    pool, version, form = call.context.pool, call.path.version, call.query.format
    schema = await features_of_model(pool, version)
    if schema is None:
        raise _not_found(version)
    if form == "json":
        return await _page(call, schema.names)
    if call.query.cursor is not None:
        raise ProblemError("malformed", f"cursor: only json has pages; {form} is one file")
    pieces = _pieces(pool, version, form, schema.names)
    return await stream_file(call, pieces, CSV if form == "csv" else NDJSON, f"model-{version}-examples.{form}")


async def activate_model(call: Call[ModelPath, ActivateQuery, None]) -> AcceptedCommand:
    """Send the command `activate` for an existing model, unless it is worse than another and `force` isn't given."""
    version, force = call.path.version, call.query.force
    found = await read_model(call.context.pool, version)
    if found is None:
        raise _not_found(version)
    if found.state in LOST and not force:
        was = "rolled back" if found.state == "rolled-back" else "rejected"
        raise ProblemError("conflict", f"Model {version} was {was}; `?force=true` activates it all the same.")
    return await send_command(call, "activate", version, force=force)


def _live(audits: Mapping[int, Audits], model: ModelRow) -> Accuracy | None:
    rows, corrected = audits.get(model.version, NONE)
    return estimate_accuracy(rows - corrected, rows)


async def _page(call: Call[ModelPath, ExamplesQuery, None], names: Sequence[str]) -> Page[TrainingExample]:
    version = call.path.version
    call.request[LEASE].grow(VALUE_BYTES * call.query.limit * len(names))

    async def fetch(after: _Passed | None, limit: int) -> Sequence[tuple[int, Used]]:
        skip = 0 if after is None else after.examples
        async with aclosing(used_examples(call.context.pool, version, skip=skip, limit=limit)) as used:
            return list(enumerate([one async for one in used], skip + 1))

    rows, following = await _examples.page(call.query, fetch, lambda row: _Passed(row[0]), str(version))
    return Page([_as_example(one, names) for _, one in rows], following)


def _as_example(used: Used, names: Sequence[str]) -> TrainingExample:
    return msgspec.convert(
        {**used._asdict(), "features": dict(zip(names, used.features, strict=True))}, TrainingExample
    )


async def _pieces(pool: Pool, version: int, form: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
    """The file piece by piece, from a Postgres cursor that is closed with this generator."""
    file = io.StringIO(newline="")
    write = writer(file, form, names)
    async with aclosing(used_examples(pool, version)) as used:
        async for one in used:
            write(one)
            if file.tell() >= PIECE_BYTES:
                yield _drain(file)
    yield _drain(file)


def _drain(file: io.StringIO) -> bytes:
    text = file.getvalue()
    file.seek(0)
    file.truncate()
    return text.encode()


def _not_found(version: int) -> ProblemError:
    return ProblemError("not-found", f"There is no model {version}.")


HANDLERS: Handlers = {
    "list_models": list_models,
    "get_model": get_model,
    "list_model_examples": list_model_examples,
    "activate_model": activate_model,
}
