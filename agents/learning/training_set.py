"""The training set: the latest label per key, in a deterministic order and deterministic folds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.reviews import by_hash, hashes_of
from relearn.agents.learning.sample import LEAST_PER_CLASS, sample_labels
from relearn.schemas.features import FeatureSchema, schema_fields
from relearn.schemas.model.encoder import COLUMNS_MAX
from relearn.schemas.model.linear_svm import Features, Floats

FOLDS = 5
#: Part of every digest: to be changed with the way of fitting, which gives another model of the same examples.
RECIPE = b"svm-4"
#: Maximum number of classes that reviews may bring a model to, and the maximum size of its weights then: with more,
#: invented labels would make every model too large to be published.
CLASSES_MAX = 500
WEIGHTS_MAX_BYTES = 4 * 1024 * 1024

#: A row of `examples`; a row of `corrections`; an unreviewed prediction, with the label that the champion gave it.
Source = Literal["bootstrap", "reviewed", "assumed"]


class Example(NamedTuple):
    """One labelled record: `id` is its row in Postgres, or the prediction's id where it is assumed.

    `features`: its row (`schemas.features`), d values. `key`: see `example_key`.
    """

    id: int | str
    key: str
    features: Features
    label: str
    source: Source = "bootstrap"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """n examples with n different keys, in the order of the keys. features: (n, d), weights: (n,), float64, read-only.

    `features` are rows of `schema`; `string_of`: the string of each code in them.
    `set_aside`: the classes left out, for too few examples or as too many classes, and the number of examples of each.
    `available`: the labelled examples of the other classes, of which these are a sample where there are more.
    """

    schema: FeatureSchema
    ids: tuple[int | str, ...]
    keys: tuple[str, ...]
    features: Floats
    labels: tuple[str, ...]
    sources: tuple[Source, ...]
    weights: Floats
    set_aside: dict[str, int]
    available: int
    string_of: Mapping[float, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def real(self) -> NDArray[np.bool_]:
        """(n,): which examples are labelled; the others are assumed."""
        return ~self.of("assumed")

    def of(self, source: Source) -> NDArray[np.bool_]:
        """(n,): which examples are from one source."""
        return np.array([one == source for one in self.sources], dtype=np.bool_)

    def strings_of(self, row: Floats) -> list[str | None]:
        """The categories of one of the rows."""
        return [self.string_of.get(code) for code in row[len(self.schema.numbers) :].tolist()]

    def ids_of(self, source: Source) -> list[int | str]:
        """The ids of the examples from one source, in the order of their keys."""
        return [one for one, its_source in zip(self.ids, self.sources, strict=True) if its_source == source]


def example_key(subject: str | None, features: Floats) -> str:
    """The key by which repeats count once: the subject, else the SHA-256 of the packed row, -0.0 taken as 0.0."""
    if subject is not None:
        return subject
    return "sha256:" + hashlib.sha256((np.asarray(features, "<f8") + 0.0).tobytes()).hexdigest()


def fold_of(key: str) -> int:
    """The fold of `key`, 0 to 4, always the same: the first 8 bytes of its SHA-256, big-endian, modulo 5."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % FOLDS


def folds_of(keys: Sequence[str]) -> NDArray[np.int_]:
    """The fold of each key."""
    return (hashes_of(keys)[:, 0] % FOLDS).astype(np.int_)


def sampled(keys: Sequence[str], n: int) -> NDArray[np.intp]:
    """The positions of n of the keys, ascending, chosen by hash, in which their folds have no part."""
    return np.sort(hashes_of(keys)[:, 1].argsort(kind="stable")[:n])


def classes_max(d: int) -> int:
    """Maximum number of classes of a model of d features, unless the loaded examples have more."""
    return max(2, min(CLASSES_MAX, WEIGHTS_MAX_BYTES // (8 * (d + 1))))


def training_set(
    schema: FeatureSchema,
    examples: Iterable[Example],
    *,
    keep_classes: Iterable[str] = (),
    max_labels: int | None = None,
    string_of: Mapping[float, str] | None = None,
) -> TrainingSet:
    """The training set of `examples`, oldest first: the latest of each key, without the classes that are set aside.

    A labelled example replaces an assumed one of its key; assumed examples don't count towards a class's minimum. Of
    too many classes, those of the loaded examples and `keep_classes` stay, and then the largest. Of more than
    `max_labels` labelled examples a sample is used (`sample_labels`), and of assumed ones the same share as of reviews.
    """
    labelled: dict[str, Example] = {}
    assumed: dict[str, Example] = {}
    for example in examples:
        if example.source == "assumed":
            assumed[example.key] = example
        else:
            _put_latest(labelled, example)
    counts = Counter(example.label for example in labelled.values())
    known = {label for label, n in counts.items() if n >= LEAST_PER_CLASS}
    first = known & {*keep_classes, *(one.label for one in labelled.values() if one.source == "bootstrap")}
    others = sorted(known - first, key=lambda label: (-counts[label], label))
    known = first.union(others[: max(0, classes_max(_columns(schema, labelled.values())) - len(first))])
    few = {label: n for label, n in sorted(counts.items()) if label not in known}
    usable = [one for one in labelled.values() if one.label in known]
    sample = sample_labels(usable, max_labels)
    unlabelled = [one for one in assumed.values() if one.key not in labelled and one.label in known]
    if len(sample) < len(usable):
        unlabelled = _share_of(unlabelled, _reviewed(sample), _reviewed(usable))
    chosen = sorted([*sample, *unlabelled], key=lambda one: one.key)
    features = np.array([example.features for example in chosen], dtype=np.float64).reshape(-1, len(schema))
    weights = np.array([example.weight for example in chosen], dtype=np.float64)
    for array in (features, weights):
        array.setflags(write=False)
    return TrainingSet(
        schema,
        tuple(example.id for example in chosen),
        tuple(example.key for example in chosen),
        features,
        tuple(example.label for example in chosen),
        tuple(example.source for example in chosen),
        weights,
        few,
        len(usable),
        _strings_of(schema, features, string_of or {}),
    )


def _columns(schema: FeatureSchema, examples: Iterable[Example]) -> int:
    """About how many columns these examples are encoded as: for each category one per level."""
    if not schema.strings:
        return len(schema)
    n_numbers = len(schema.numbers)
    categories = [n_numbers + j for j in range(len(schema.strings)) if j not in schema.texts]
    levels = {(i, one.features[i]) for one in examples for i in categories}
    return min(COLUMNS_MAX, n_numbers + len(levels))


def _strings_of(schema: FeatureSchema, features: Floats, string_of: Mapping[float, str]) -> dict[float, str]:
    """The strings that stand in these rows."""
    codes = np.unique(features[:, len(schema.numbers) :])
    return {code: string_of[code] for code in codes.tolist() if code in string_of}


def _put_latest(labelled: dict[str, Example], example: Example) -> None:
    """The latest example of its key. It is the newest of all, unless it only repeats the one before."""
    before = labelled.get(example.key)
    if before is not None and not (before.label == example.label and _same(before.features, example.features)):
        del labelled[example.key]
    labelled[example.key] = example


def _same(features: Features, others: Features) -> bool:
    return features is others or np.array_equal(features, others) or np.array_equal(features, others, equal_nan=True)


def _share_of(assumed: Sequence[Example], reviewed: int, of_reviewed: int) -> list[Example]:
    """As many of `assumed` as `reviewed` are of `of_reviewed`, chosen by hash."""
    return sorted(assumed, key=lambda one: by_hash(str(one.id)))[: len(assumed) * reviewed // max(1, of_reviewed)]


def _reviewed(examples: Iterable[Example]) -> int:
    return sum(one.source == "reviewed" for one in examples)


def set_digest(examples: TrainingSet) -> bytes:
    """SHA-256 of everything that a model of `examples` depends on; equal digests give equal models, byte for byte."""
    digest = hashlib.sha256(RECIPE)
    digest.update(msgpack.packb([examples.schema.names, examples.keys, examples.labels]))
    if not examples.schema.plain:
        digest.update(msgpack.packb(schema_fields(examples.schema)))
    for array in (examples.features, examples.weights, examples.real):
        digest.update((np.asarray(array, "<f8") + 0.0).tobytes())
    return digest.digest()
