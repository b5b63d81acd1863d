"""What a model is trained on: the latest label per key, in an order and in folds that never depend on luck."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from schemas.model import Floats

FOLDS = 5
#: Part of every digest: another way of fitting makes another model of the same examples.
RECIPE = b"svm-1"
#: A class with fewer examples can't be learned and judged at the same time; it waits for more.
LEAST_PER_CLASS = 2


class Example(NamedTuple):
    """One labelled record: `id` is its row in Postgres, `features` are d numbers, `key` says what it is about."""

    id: int
    key: str
    features: Sequence[float]
    label: str


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """n examples with n different keys, in the order of the keys. features: (n, d) float64, read-only.

    `set_aside` are the classes left out for want of examples, and how many each has.
    """

    feature_names: tuple[str, ...]
    ids: tuple[int, ...]
    keys: tuple[str, ...]
    features: Floats
    labels: tuple[str, ...]
    set_aside: dict[str, int]

    def __len__(self) -> int:
        return len(self.ids)


def example_key(subject: str | None, features: Floats) -> str:
    """What an example is about: its subject, else the SHA-256 of its packed features, so that repeats count once.

    -0.0 counts as 0.0.
    """
    if subject is not None:
        return subject
    return "sha256:" + hashlib.sha256((np.asarray(features, "<f8") + 0.0).tobytes()).hexdigest()


def fold_of(key: str) -> int:
    """The fold of `key`, 0 to 4, for ever: the first 8 bytes of its SHA-256, big-endian, modulo 5."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % FOLDS


def training_set(feature_names: Sequence[str], examples: Iterable[Example]) -> TrainingSet:
    """The set that `examples`, oldest first, come to: the latest of each key, without classes that are too small."""
    latest = {example.key: example for example in examples}
    counts = Counter(example.label for example in latest.values())
    few = {label: n for label, n in sorted(counts.items()) if n < LEAST_PER_CLASS}
    chosen = [latest[key] for key in sorted(latest) if latest[key].label not in few]
    features = np.array([example.features for example in chosen], dtype=np.float64).reshape(-1, len(feature_names))
    features.setflags(write=False)
    return TrainingSet(
        tuple(feature_names),
        tuple(example.id for example in chosen),
        tuple(example.key for example in chosen),
        features,
        tuple(example.label for example in chosen),
        few,
    )


def set_digest(examples: TrainingSet) -> bytes:
    """SHA-256 of all that a model of `examples` depends on; equal sets give equal models, byte for byte."""
    digest = hashlib.sha256(RECIPE)
    for texts in (examples.feature_names, examples.keys, examples.labels):
        digest.update(len(texts).to_bytes(8))
        for text in texts:
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8) + encoded)
    digest.update((np.asarray(examples.features, "<f8") + 0.0).tobytes())
    return digest.digest()
