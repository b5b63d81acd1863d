"""The options of every command that reads a table, and the reading by the namespace's own features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import click

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.examples import has_examples, read_schema
from relearn.schemas.errors import RelearnError
from relearn.schemas.features import FeatureSchema
from relearn.scripts.client.query import with_pool
from relearn.scripts.data.datasets import BUNDLED, Dataset, load_dataset
from relearn.scripts.tables.kinds import read_kinds
from relearn.scripts.tables.table_options import TableOptions


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the columns of a file; the command gets them as `table`."""

    @click.option("--drop", multiple=True, metavar="COLUMN", help="Leave a column out, by name or by number from 1.")
    @click.option("--decimal-comma", is_flag=True, help="Numbers in the file are written as 1,5.")
    @click.option("--missing", multiple=True, metavar="TEXT", help="What means a missing value, beside an empty cell.")
    @click.option(
        "--kinds",
        metavar="FILE.toml",
        help='The kinds of columns, `name = "number"`, "category" or "text" in a line each.  [default: those of the '
        "namespace, else inferred]",
    )
    @wraps(command)
    def wrapped(
        *args: Any,
        drop: tuple[str, ...],
        decimal_comma: bool,
        missing: tuple[str, ...],
        kinds: str | None,
        **given: Any,
    ) -> Any:
        known = {} if kinds is None else read_kinds(kinds)
        return command(*args, table=TableOptions(drop, decimal_comma, frozenset(missing), known), **given)

    return wrapped


def load_table(source: str, *, label: str | None, options: TableOptions) -> Dataset:
    """A data set, with the columns of a file as the namespace's features are, where they have the same names.

    Raises:
        BadFile: the file can't be used, and where.
        SetupError: pyarrow, which reads Parquet files, isn't installed.
    """
    if source in BUNDLED:
        return load_dataset(source, label=label)
    return load_dataset(source, label=label, options=replace(options, schema=_namespace_schema()))


def _namespace_schema() -> FeatureSchema | None:
    """The namespace's features, if examples decide on them and Postgres answers; None: kinds are inferred."""

    async def read(pool: Pool) -> FeatureSchema | None:
        return await read_schema(pool) if await has_examples(pool) else None

    try:
        return with_pool(read)
    except RelearnError:
        return None
