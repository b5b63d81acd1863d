"""`relearn model export`: one model for other programs, as JSON, ONNX or a scikit-learn pipeline."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from relearn.agents.stores.training.models import read_body
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import decode_model, model_digest
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.output import output_file, version_argument
from relearn.scripts.model_formats.json_description import json_description
from relearn.scripts.model_formats.onnx_graph import onnx_model, require_onnx
from relearn.scripts.model_formats.sklearn_pipeline import require_skops, skops_model

_WRITE = {"json": json_description, "onnx": onnx_model, "skops": skops_model}
_REQUIRE = {"onnx": require_onnx, "skops": require_skops}


@click.command()
@version_argument
@click.option("--format", "form", type=click.Choice(list(_WRITE)), default="json", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of stdout.")
def export(version: int, form: str, output: Path | None) -> None:
    """Write model VERSION for other programs. What they compute are Relearn's own margins and labels.

    \b
    json    columns, weights and the rules in words, for any language; margins within 1e-9
    onnx    a graph for onnxruntime and others: inputs `numbers` (float64) and `categories` (strings), outputs `label`
            and `margins` (float64). Needs pip install 'relearn[onnx]'
    skops   a fitted scikit-learn Pipeline for skops.io.load(FILE, trusted=["numpy.dtype"]); margins within 1e-9.
            Needs pip install 'relearn[skops]'

    A missing number is NaN. A missing category is an empty string in onnx, None or NaN in skops. A level that the
    model doesn't know is scored as "other". docs/model-export.md has a program for each format.

    The exit code is 0 if the model was written, and 2 after an error: no such model, a package that is missing, a file
    that can't be written, or a binary format on a terminal.
    """
    if form != "json" and output is None and sys.stdout.isatty():
        raise click.UsageError(f"{form} is binary and isn't written to a terminal: give --output FILE, or redirect.")
    if form in _REQUIRE:
        _REQUIRE[form]()
    body = with_pool(lambda pool: read_body(pool, version))
    if body is None:
        raise Refused(f"there is no model {version}")
    written = _WRITE[form](decode_model(body), model_digest(body))
    with output_file(output, binary=True) as file:
        file.write(written)
    click.echo(f"model {version} as {form}: {len(written):,} bytes", err=True)
