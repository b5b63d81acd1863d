"""`relearn model import`: a scikit-learn model of others becomes a challenger."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path

import click

from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.imports import ImportTarget, read_import_target, store_import
from relearn.schemas.errors import BadFile, Refused
from relearn.schemas.messages.commands import Command
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from relearn.schemas.text import first_few
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.send_and_wait import OnState, Outcome, person, send_and_wait
from relearn.scripts.commands.outcome import GOES_ON, finish, timeout_option
from relearn.scripts.commands.output import as_json_option, progress
from relearn.scripts.model_formats.sklearn_pipeline import require_skops
from relearn.scripts.model_import.linear_model import Converted, convert
from relearn.scripts.model_import.skops_file import SkopsFile, read_skops
from relearn.scripts.tables.kinds import shown


@click.command("import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--as",
    "role",
    type=click.Choice(["challenger"]),
    default="challenger",
    show_default=True,
    help="What the model becomes: the gate judges it against the champion.",
)
@click.option(
    "--knows-labels",
    is_flag=True,
    help="It was trained on labels of this namespace, such as exported examples: then these don't judge it, and it "
    "scores as a shadow until reviews decide.",
)
@click.option("--dry-run", is_flag=True, help="Read and convert the file, and send nothing.")
@timeout_option(300.0)
@as_json_option
def import_(*, file: Path, role: str, knows_labels: bool, dry_run: bool, timeout_s: float, as_json: bool) -> None:
    """Make a challenger of a linear scikit-learn model in FILE, which skops.io.dump has written.

    \b
    LinearSVC, LogisticRegression, SGDClassifier or RidgeClassifier,
    alone or in a Pipeline or ColumnTransformer after
    StandardScaler, OneHotEncoder and SimpleImputer

    Its margins stay those of scikit-learn, within 1e-9. Anything else in the file is refused: nothing of the file is
    run, and its types are checked before skops reads it. Features are matched by the names that the model was fitted
    with (a data frame's columns), without names by position. Needs pip install 'relearn[skops]'.

    The gate judges the model as any challenger, on the labels since the champion's training. The file is assumed to
    know none of them, unless --knows-labels is given. Where no champion answers, the model has to beat the most
    frequent class of the labelled records; without any labelled record it becomes the champion. A namespace without
    features gets the file's.

    The exit code is 0 if the model was promoted (with --dry-run: can be imported), 1 if not, and 2 if the file can't be
    used. A model not known to be better than the champion becomes a shadow: the exit code is then 1, and the command
    doesn't wait. docs/model-import.md lists what can be expressed.
    """
    del role  # There is one.
    require_skops()
    settings = load_settings()
    read = read_skops(file)
    target = with_pool(read_import_target)
    try:
        found = convert(read.content, target.schema)
        check_classes(found.model, target)
    except Refused as exc:
        raise BadFile(str(file), str(exc)) from exc
    for line in _lines(read, found):
        click.echo(line, err=True)
    if dry_run:
        return
    reason = {
        "trigger": "import",
        "file": file.name[:200],
        "sha256": read.sha256,
        "bytes": read.size_bytes,
        "estimator": found.estimator,
        **({"knows_labels": True} if knows_labels else {}),
    }
    with progress(GOES_ON) as on_state:
        command = Command(str(uuid.uuid4()), "import", reason, by=person())
        outcome = asyncio.run(_import(settings, command, found.model, timeout_s=timeout_s, on_state=on_state))
    finish(outcome, timeout_s, as_json)


def check_classes(model: Model, target: ImportTarget) -> None:
    """Return if the model knows all classes that the champion answers: the gate would reject it.

    Raises:
        Refused: it lacks some, which are named.
    """
    lacking = [label for label in target.classes if label not in model.classes]
    if lacking:
        raise Refused(
            f"the champion answers {first_few(lacking, show=repr)}, which the file doesn't know:"
            f" it has {first_few(model.classes, show=repr)}"
        )


def _lines(read: SkopsFile, found: Converted) -> Sequence[str]:
    model = found.model
    return (
        f"read: {found.estimator}, {read.size_bytes:,} bytes, SHA-256 {read.sha256}",
        f"classes: {first_few(model.classes, 8)}",
        f"features: {shown(model.schema)}",
        *(f"note: {note}" for note in found.notes),
    )


async def _import(
    settings: Settings, command: Command, model: Model, *, timeout_s: float, on_state: OnState
) -> Outcome:
    """Store the model under the command's id, send the command, and wait for its job."""
    pool = await open_pool(settings, size=1)
    try:
        await store_import(pool, command.id, model)
    finally:
        pool.terminate()
    return await send_and_wait(settings, command, timeout_s=timeout_s, on_state=on_state)
