"""The messages that the golden files hold, made by today's encoders."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgpack
import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from relearn.schemas.identity import Place
from relearn.schemas.messages.commands import Command, encode_command
from relearn.schemas.messages.dead_letters import DeadLetter, dead_letter_headers
from relearn.schemas.messages.feedback import Feedback, encode_feedback
from relearn.schemas.messages.ingest import encode_record, encode_records
from relearn.schemas.messages.predictions import Block, encode_block
from relearn.schemas.messages.shadow_answers import NO_ANSWER, ShadowAnswers
from relearn.schemas.model.linear_svm import Model, encode_model
from relearn.schemas.model.signatures import Signer, key_id_of
from relearn.schemas.model.signed_updates import Update, encode_update

FOLDER = Path(__file__).parent
NAMES = ("height", "width")
FEATURES = np.array([[1.5, -2.0], [0.1, 1e12]])
TEXTS = {"ids": ["r-1", "r-2"], "subjects": ["s-1", "é"], "contexts": ["first", "second"]}
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(key_id_of(KEY.public_key()), KEY)
MODEL = Model(
    3,
    ("0", "1", "2"),
    NAMES,
    np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
    np.array([0.5, -0.5, 0.0]),
    np.array([0.1, 0.2]),
    np.array([1.0, 2.0]),
    calibration={"a": [-1.0, -1.5, -2.0], "b": [0.0, 0.1, 0.2]},
    metrics={"accuracy": 0.9},
)
UPDATE = Update("relearn", "champion", 4, MODEL, "job-1", {"trigger": "bootstrap"}, 1_700_000_000.5)
COMMAND = Command("job-1", "activate", {"trigger": "manual"}, version=3, by="me")
FEEDBACK = Feedback("f-1", "malignant", Place(1, 2, 10481, 3), "r-1", "ann", "audit", "é")
LETTER = DeadLetter(
    "score",
    "not-finite",
    "width: not a finite number",
    "relearn.ingest",
    1,
    2,
    10481,
    (3,),
    1_700_000_000.5,
    b"k",
    b"v",
)
BLOCK = Block(
    generation=1,
    partition=2,
    offsets=np.array([10481, 10482]),
    indexes=np.array([0, 1], np.int32),
    ingested_at=np.array([1_700_000_000.123, 1_700_000_000.124]),
    ids=("r-1", None),
    subjects=(None, "é"),
    batches=("b-1", "b-1"),
    contexts=(None, None),
    features=FEATURES,
    classes=("0", "1", "2"),
    labels=np.array([2, 0], np.int16),
    margins=np.array([[0.1, 0.2, 0.3], [3.0, 2.0, 1.0]]),
    confidence=np.array([0.75, np.nan], np.float32),
    model=3,
    activation=4,
    scored_at=1_700_000_000.5,
)
SHADOWED_BLOCK = replace(
    BLOCK,
    shadow=ShadowAnswers(
        model=5,
        activation=6,
        classes=("0", "2"),
        labels=np.array([1, NO_ANSWER], np.int16),
        margins=np.array([[0.25], [np.inf]]),
    ),
)

MESSAGES: dict[str, Callable[[], bytes]] = {
    "ingest-one-packed": lambda: encode_record(
        FEATURES[0], record_id="r-1", subject="s-1", batch="b-1", context="first"
    ),
    "ingest-one-list": lambda: encode_record([1.5, -2.0], record_id="r-1"),
    "ingest-one-named": lambda: encode_record({"width": -2.0, "height": 1.5}, record_id="r-1"),
    "ingest-one-json": lambda: json.dumps({"features": [1.5, -2.0], "id": "r-1"}).encode(),
    "ingest-many-packed": lambda: encode_records(FEATURES, batch="b-1", names=NAMES, **TEXTS),
    "ingest-many-lists": lambda: bytes(msgpack.packb({"n": 2, "features": FEATURES.tolist(), "ids": TEXTS["ids"]})),
    "predictions-v1": lambda: encode_block(BLOCK),
    "predictions-v1-shadow": lambda: encode_block(SHADOWED_BLOCK),
    "model-v1": lambda: encode_model(MODEL),
    "model-update-v1": lambda: encode_update(UPDATE, SIGNER),
    "command-v1": lambda: encode_command(COMMAND),
    "feedback-v1": lambda: encode_feedback(FEEDBACK),
    "dead-letter-headers-v1": lambda: bytes(
        msgpack.packb([[n, v] for n, v in dead_letter_headers(LETTER, "/relearn/score-1") if n != "ce_id"])
    ),
}
