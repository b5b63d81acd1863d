"""`relearn bench train`: a whole training, beside the same fits by scikit-learn as its documentation writes them.

Both choose C of the same three values by the same five folds and fit all rows with it, on one thread. Relearn's
training calibrates and evaluates as well. Processor time is compared, by turns, so that other work counts for neither.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import click
import numpy as np
from threadpoolctl import threadpool_limits

from relearn.agents.learning.fit import C_CHOICE, fit
from relearn.agents.learning.predict import score
from relearn.agents.learning.training_set import Example, TrainingSet, folds_of, training_set
from relearn.schemas.features import numbers_alone
from relearn.scripts.data.datasets import Dataset, load_dataset, require_classes
from relearn.scripts.render.tables import plain_table, stdout_console

T = TypeVar("T")

_SYNTHETIC = re.compile(r"(\d+)x(\d+)x(\d+)")
#: liblinear's default of 1,000 steps is not enough for some folds.
_STEPS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Compared:
    """Seconds of the processor, one per round, and the share of the rows to which both models give one label."""

    name: str
    rows: int
    features: int
    classes: int
    relearn_s: list[float]
    sklearn_s: list[float]
    relearn_c: float
    sklearn_c: float
    equal_labels: float

    @property
    def ratio(self) -> float:
        """Relearn's median by scikit-learn's."""
        return float(np.median(self.relearn_s) / np.median(self.sklearn_s))


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--label", help="The label column of a CSV file.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Trainings of each, by turns.")
@click.option("--json", "json_wanted", is_flag=True, help="Every round as JSON on stdout.")
def train(*, sources: tuple[str, ...], label: str | None, rounds: int, json_wanted: bool) -> None:
    """A whole training, beside the same fits by scikit-learn.

    SOURCE: a bundled data set, a CSV file, or ROWSxFEATURESxCLASSES of random records; without any, digits,
    breast_cancer and 100000x30x2.
    """
    named = [_dataset(source, label) for source in sources or ("digits", "breast_cancer", "100000x30x2")]
    found = [compare(one, rounds) for one in named]
    load = round(os.getloadavg()[0], 1)
    if json_wanted:
        click.echo(json.dumps({"load": load, "sets": [{**asdict(one), "ratio": one.ratio} for one in found]}))
        return
    console = stdout_console()
    table = plain_table("data", "rows", "features", "classes", "relearn s", "scikit-learn s", "ratio", "equal labels")
    for one in found:
        sizes = (f"{size:,}" for size in (one.rows, one.features, one.classes))
        seconds = (_median_and_range(one.relearn_s), _median_and_range(one.sklearn_s))
        table.add_row(one.name, *sizes, *seconds, f"{one.ratio:.2f}", f"{one.equal_labels:.2%}")
    console.print(f"processor time, median (least to most of {rounds}); load average {load}\n")
    console.print(table)


def compare(dataset: Dataset, rounds: int) -> Compared:
    """Both trainings of the same rows, by turns."""
    labels = dataset.labels or ()
    rows = zip(dataset.subjects, dataset.features, labels, strict=True)
    examples = training_set(dataset.schema, [Example(i, key, row, label) for i, (key, row, label) in enumerate(rows)])
    relearn_s, sklearn_s = [], []
    with threadpool_limits(1):
        for _ in range(rounds):
            ours, took_s = _timed(lambda: fit(examples))
            relearn_s.append(took_s)
            theirs, took_s = _timed(lambda: _grid_search(examples))
            sklearn_s.append(took_s)
    answers = np.array(ours.classes)[
        score(ours.as_model(1, examples.schema.names), examples.features, examples.string_of).labels
    ]
    return Compared(
        dataset.name,
        len(examples),
        len(examples.schema),
        len(ours.classes),
        relearn_s,
        sklearn_s,
        ours.metrics["c"],
        theirs.best_params_["linearsvc__C"],
        float((answers == theirs.predict(examples.features)).mean()),
    )


def _grid_search(examples: TrainingSet) -> Any:
    """scikit-learn's GridSearchCV, fitted."""
    # Here, so that no other bench loads scikit-learn.
    from sklearn.model_selection import GridSearchCV, PredefinedSplit  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    svm = LinearSVC(class_weight="balanced", dual=False, max_iter=_STEPS_MAX)
    folds = PredefinedSplit(folds_of(examples.keys))
    search = GridSearchCV(make_pipeline(StandardScaler(), svm), {"linearsvc__C": C_CHOICE}, cv=folds)
    return search.fit(examples.features, np.array(examples.labels))


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began_s = time.process_time()
    return work(), time.process_time() - began_s


def _dataset(source: str, label: str | None) -> Dataset:
    """Raises BadFile: the source has no labels, or can't be read."""
    if (sizes := _SYNTHETIC.fullmatch(source)) is None:
        dataset = load_dataset(source, label=label)
        require_classes(dataset)
        return dataset
    n, d, k = map(int, sizes.groups())
    rng = np.random.default_rng(0)
    y = rng.integers(0, k, n)
    features = 0.5 * rng.normal(size=(k, d))[y] + rng.normal(size=(n, d))
    names, subjects = tuple(f"x{i + 1}" for i in range(d)), tuple(f"row-{i}" for i in range(n))
    return Dataset(source, numbers_alone(names), features, tuple(map(str, y.tolist())), subjects)


def _median_and_range(seconds: list[float]) -> str:
    return f"{np.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
