"""Labelled records to train on and to stream: the data sets of scikit-learn, or a CSV or Parquet file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import BadFile, Refused
from relearn.schemas.features import FeatureSchema, Strings, Value, numbers_alone, strings_by_code
from relearn.schemas.labels import read_label
from relearn.scripts.data import made_up, made_up_letters
from relearn.scripts.tables.csv import read_csv
from relearn.scripts.tables.parquet import SUFFIXES, read_parquet
from relearn.scripts.tables.table_options import TableOptions

_DEFAULT = TableOptions()

BUNDLED = ("digits", "breast_cancer", "wine", "orders", "letters")
#: The range of a feature's values, if it is known: digits are 8x8 pictures of 17 shades.
BOUNDS = {"digits": (0.0, 16.0)}


Texts = tuple[str | None, ...]


@dataclass(frozen=True)
class Dataset:
    """n records in columns. features: (n, d) float64, rows of `schema`; `strings`: the categories of each, if any.

    `subjects` names what each record is about, the same at every reading: `digits-17` is row 17 (from 0) of digits; a
    file's rows are named by its column `subject`, else by their values.
    `ids`, `batches`, `contexts`: the file's columns of these names, if it has them.
    `name` is what was asked for: a bundled set's name or the file's path. `labels` is None where none were named.
    """

    name: str
    schema: FeatureSchema
    features: NDArray[np.float64]
    labels: tuple[str, ...] | None
    subjects: tuple[str, ...]
    label_column: str | None = None
    ids: Texts | None = None
    batches: Texts | None = None
    contexts: Texts | None = None
    strings: tuple[Strings, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names in their order."""
        return self.schema.names

    @property
    def string_of(self) -> dict[float, str]:
        """The string of each code in the rows."""
        return strings_by_code(self.strings)

    @property
    def spread(self) -> NDArray[np.float64]:
        """(d,) the standard deviation of each number; of a category 0."""
        found = np.zeros(len(self.schema))
        numbers = self.features[:, : len(self.schema.numbers)]
        if len(numbers):
            found[: numbers.shape[1]] = np.nan_to_num(np.nanstd(numbers, axis=0))
        return found

    def values(self, row: int) -> list[Value]:
        """The values of one record, in the order of the features."""
        strings = self.strings[row] if self.strings else None
        return self.schema.values(self.features[row, : len(self.schema.numbers)].tolist(), strings)

    @property
    def stem(self) -> str:
        """The name without directories and suffix, short enough to begin an id with."""
        return Path(self.name).stem.encode()[:100].decode("utf-8", "ignore")

    def take(self, rows: NDArray[np.intp] | slice) -> Dataset:
        """The records at positions `rows`, in that order."""
        at = range(len(self))[rows] if isinstance(rows, slice) else rows.tolist()
        return replace(
            self,
            features=self.features[rows],
            labels=None if self.labels is None else tuple(self.labels[i] for i in at),
            subjects=tuple(self.subjects[i] for i in at),
            ids=_taken(self.ids, at),
            batches=_taken(self.batches, at),
            contexts=_taken(self.contexts, at),
            strings=tuple(self.strings[i] for i in at) if self.strings else (),
        )


def load_dataset(source: str, *, label: str | None = None, options: TableOptions = _DEFAULT) -> Dataset:
    """A bundled data set by its name, or a file by its path: Parquet if it is called so, else CSV.

    `label` is the file's label column, by name or by number from 1; `options` are for files. Bundled sets bring their
    labels with them, in a column that may be called `target`, as scikit-learn does, or `label`.

    Raises:
        BadFile: the file doesn't exist or can't be used, and where.
        SetupError: pyarrow, which reads Parquet files, isn't installed.
    """
    if source in BUNDLED:
        if label not in {None, "target", "label"}:
            raise BadFile(source, f"its labels are its own, in the column `target`; there is no column {label!r}")
        return _bundled(source)
    if not Path(source).exists():
        raise BadFile(source, f"no such file; the data sets that need none are {', '.join(BUNDLED)}")
    read = read_parquet if source.lower().endswith(SUFFIXES) else read_csv
    table = read(source, label, options)
    columns = table.schema, table.features, table.labels
    ids, batches, contexts = (table.beside.get(name) for name in ("id", "batch", "context"))
    dataset = Dataset(source, *columns, (), table.label_column, ids, batches, contexts, table.strings)
    return _with_subjects(dataset, table.beside.get("subject"))


def _taken(texts: Texts | None, at: Iterable[int]) -> Texts | None:
    return None if texts is None else tuple(texts[i] for i in at)


def require_classes(dataset: Dataset) -> None:
    """Return if there are labels of at least two classes: what training needs.

    Raises:
        BadFile: there aren't.
    """
    if dataset.labels is None:
        columns = ", ".join(dataset.feature_names[:8]) + (" …" if len(dataset.feature_names) > 8 else "")
        raise BadFile(dataset.name, f"which column is the label? Name it with --label; there are {columns}", line=1)
    if len(set(dataset.labels)) < 2:
        said = f"all {len(dataset)} rows are of one class, {dataset.labels[0]!r}; training needs at least two"
        raise BadFile(dataset.name, said, column=dataset.label_column)


def split_rows(dataset: Dataset, rows: int, seed: int) -> tuple[Dataset, Dataset]:
    """`rows` records with each class in its share (each at least once where that is possible), and the rest; shuffled.

    The same seed gives the same split.

    Raises:
        Refused: there are fewer records than that.
    """
    n = len(dataset)
    if not 0 <= rows <= n:
        raise Refused(f"{dataset.name} has {n} records, so {rows} can't be taken out of it")
    order = np.random.default_rng(seed).permutation(n)
    labels = dataset.labels or ("",) * n
    left = Counter(_shares(Counter(labels), rows))
    chosen = np.zeros(n, dtype=bool)
    for i in order:
        chosen[i] = left[labels[i]] > 0
        left[labels[i]] -= 1
    return dataset.take(order[chosen[order]]), dataset.take(order[~chosen[order]])


def _shares(sizes: Counter[str], rows: int) -> dict[str, int]:
    """How many of each class, by largest remainders, at least one of each where `rows` allows it."""
    n = sizes.total()
    least = 1 if rows >= len(sizes) else 0
    exact = {label: rows * size / n for label, size in sizes.items()}
    shares = {label: max(least, int(share)) for label, share in exact.items()}
    while (over := sum(shares.values()) - rows) != 0:
        # Change the class that is furthest from its share; by label if several are.
        movable = [label for label in sorted(sizes) if over < 0 or shares[label] > least]
        step = -1 if over > 0 else 1
        label = max(movable, key=lambda name: step * (exact[name] - shares[name]))
        shares[label] += step
    return shares


def resample_with_noise(dataset: Dataset, n: int, rng: np.random.Generator, scale: float) -> Dataset:
    """`n` records drawn with replacement, normal noise of `scale` standard deviations of its feature on each value.

    Each keeps its source's label and subject. Values stay within what the feature can be, where that is known.
    """
    return with_noise(dataset.take(rng.integers(0, len(dataset), n)), dataset.spread, rng, scale)


def with_noise(dataset: Dataset, spread: NDArray[np.float64], rng: np.random.Generator, scale: float) -> Dataset:
    """Normal noise of `scale` times `spread`, (d,), on each record's values. See `resample_with_noise`."""
    noise = rng.standard_normal(dataset.features.shape) * (scale * spread)
    low, high = BOUNDS.get(dataset.name, (-np.inf, np.inf))
    return replace(dataset, features=np.clip(dataset.features + noise, low, high))


def _bundled(name: str) -> Dataset:
    if name in {"orders", "letters"}:
        schema = made_up.SCHEMA if name == "orders" else made_up_letters.SCHEMA
        rows, strings, answers = made_up.orders() if name == "orders" else made_up_letters.letters()
        own = tuple(f"{name[:-1]}-{i}" for i in range(len(rows)))
        return Dataset(name, schema, rows, answers, own, "target", strings=strings)
    from sklearn import datasets  # noqa: PLC0415 - takes a second to import

    bunch = {"digits": datasets.load_digits, "breast_cancer": datasets.load_breast_cancer, "wine": datasets.load_wine}[
        name
    ]()
    features: NDArray[np.float64] = np.ascontiguousarray(bunch.data, dtype=np.float64)
    classes = [read_label(item.item()) for item in np.asarray(bunch.target_names)]
    labels = tuple(classes[i] for i in bunch.target)
    names = tuple(str(item) for item in bunch.feature_names)
    subjects = tuple(f"{name}-{i}" for i in range(len(features)))
    return Dataset(name, numbers_alone(names), features, labels, subjects, "target")


def _with_subjects(dataset: Dataset, given: Texts | None) -> Dataset:
    """The given subjects; where there is none, one that stays when rows are added, removed or moved, or the file is
    renamed: equal values, equal subject."""
    subjects = given or (None,) * len(dataset)
    rows = zip(subjects, dataset.features, strict=True)
    return replace(dataset, subjects=tuple(subject or _by_content(row) for subject, row in rows))


def _by_content(row: NDArray[np.float64]) -> str:
    return f"row-{hashlib.sha256((row.astype('<f8') + 0.0).tobytes()).hexdigest()[:16]}"
