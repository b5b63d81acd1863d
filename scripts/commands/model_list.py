"""`relearn model list`, `show` and `examples`: all models, one model's lineage, and its training examples."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import click

from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.examples_writer import FORMATS, Write, writer
from relearn.agents.stores.training.lineage import lineage_fields, read_lineage, used_examples
from relearn.agents.stores.training.models import features_of_model, list_models, model_row_fields, read_model
from relearn.schemas.errors import Refused
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.output import (
    as_json_option,
    limit_option,
    output_file,
    show_list,
    show_one,
    version_argument,
)
from relearn.scripts.render.jobs_models import models_table
from relearn.scripts.render.lineage import lineage_lines
from relearn.scripts.render.progress import OnProgress, bar

NO_MODELS = "there are no models; `relearn model train --data digits --rows 60` trains one"


@click.command("list")
@limit_option
@as_json_option
def list_(limit: int, as_json: bool) -> None:
    """List models, the newest first."""
    found = with_pool(lambda pool: list_models(pool, limit))
    show_list(found, fields=model_row_fields, table=models_table, nothing=NO_MODELS, as_json=as_json)


@click.command()
@version_argument
@as_json_option
def show(version: int, as_json: bool) -> None:
    """Show model VERSION: its examples, its out-of-fold accuracy, the gate's verdict and its activations."""
    found = with_pool(lambda pool: read_lineage(pool, version))
    nothing = f"there is no model {version}"
    show_one(found, fields=lineage_fields, lines=lineage_lines, nothing=nothing, as_json=as_json)


@click.command()
@version_argument
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of stdout.")
def examples(version: int, form: str, out: Path | None) -> None:
    """Write the examples that model VERSION was trained on, in the order of training.

    Each has its source (bootstrap, reviewed or assumed), its id in that source, its key, label and weight, and its
    features by name. A reviewed example also has feedback id, prediction id, reviewer and via.
    """

    async def export(pool: Pool) -> int:
        model, schema = await read_model(pool, version), await features_of_model(pool, version)
        if model is None or schema is None:
            raise Refused(f"there is no model {version}")
        with output_file(out) as file, bar(model.examples + model.assumed, "examples") as on_progress:
            return await write_examples(pool, version, writer(file, form, schema.names), on_progress)

    written = with_pool(export)
    click.echo(f"{written:,} examples", err=True)


async def write_examples(pool: Pool, version: int, write: Write, on_progress: OnProgress) -> int:
    """Write a model's examples one by one; returns their number."""
    written = 0
    async with aclosing(used_examples(pool, version)) as found:
        async for one in found:
            write(one)
            written += 1
            if written % 1000 == 0:
                on_progress(written)
    return written
