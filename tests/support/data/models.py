"""Models for tests: made by hand, signed with a key of the test's own, put on the topic without a retrain worker."""

from __future__ import annotations

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.models.signing_keys import load_signer
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Key, Role, Update, encode_update
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.embedded.keys import ensure_pair


def a_model(version: int = 1, *, d: int = 4, classes: tuple[str, ...] = ("0", "1"), seed: int = 0) -> Model:
    """A model with random weights."""
    rng = np.random.default_rng(seed)
    rows = 1 if len(classes) == 2 else len(classes)
    names = tuple(f"x{i + 1}" for i in range(d))
    return Model(version, classes, names, rng.normal(size=(rows, d)), rng.normal(size=rows), np.zeros(d), np.ones(d))


def ensure_keys(settings: Settings) -> None:
    """The pair that workers look for in the data directory."""
    ensure_pair(settings.keys_dir)


def publish(settings: Settings, model: Model, activation: int) -> None:
    """Make `model` the champion, as retrain would."""
    _publish(settings, "champion", model, activation)


def publish_shadow(settings: Settings, model: Model | None, activation: int) -> None:
    """Make `model` the shadow, as retrain would; None: end the shadow."""
    _publish(settings, "none" if model is None else "shadow", model, activation)


def publish_value(settings: Settings, value: bytes, key: Key = "champion") -> None:
    """Put any value on the topic under the key."""
    producer = Producer(librdkafka_config(settings))
    producer.produce(topic_name(settings.namespace, "model-updates"), value, key.encode())
    assert producer.flush(30) == 0


def _publish(settings: Settings, role: Role, model: Model | None, activation: int) -> None:
    ensure_keys(settings)
    update = Update(settings.namespace, role, activation, model, None, {"trigger": "test"}, 0.0)
    publish_value(settings, encode_update(update, load_signer(settings)), update.key)
