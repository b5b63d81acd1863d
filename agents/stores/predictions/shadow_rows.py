"""What a block's shadow says, as rows of `shadow_predictions`, in the bytes of Postgres' binary COPY.

A record that the shadow has no answer for has no row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from relearn.agents.stores.predictions.binary_copy import chosen_texts, packed_rows, timestamp_us, whole_copy
from relearn.agents.stores.predictions.copy_rows import place_numbers, take
from relearn.schemas.messages.predictions import Block
from relearn.schemas.messages.shadow_answers import NO_ANSWER, ShadowAnswers

#: The columns of `shadow_predictions` in the order of the bytes.
COLUMNS = (
    "generation",
    "kafka_partition",
    "kafka_offset",
    "record_index",
    "model",
    "ingested_at",
    "disagrees",
    "margins",
    "label",
)


def copy_bytes(blocks: Sequence[Block]) -> memoryview:
    """Everything that `COPY shadow_predictions (COLUMNS) FROM STDIN (FORMAT binary)` reads for these blocks."""
    return whole_copy(_rows(block, block.shadow) for block in blocks if block.shadow is not None)


def disagreements(block: Block, shadow: ShadowAnswers) -> NDArray[np.bool_]:
    """(n,) whether the shadow's label is another than the block's own. Labels are compared as texts, not as indexes."""
    differ = np.array([[ours != theirs for theirs in block.classes] for ours in shadow.classes])
    found: NDArray[np.bool_] = differ[shadow.labels, block.labels]
    return found


def _rows(block: Block, shadow: ShadowAnswers) -> bytes:
    answered = shadow.labels != NO_ANSWER
    if not answered.all():
        chosen = np.flatnonzero(answered)
        block, shadow = take(block, chosen), shadow.select(chosen)
    if not len(block):
        return b""
    numbers = {
        **place_numbers(block),
        "model": (">i4", shadow.model),
        "ingested_at": (">i8", timestamp_us(block.ingested_at)),
        "disagrees": ("?", disagreements(block, shadow)),
    }
    return packed_rows(len(block), numbers, {"margins": shadow.margins}, [chosen_texts(shadow.classes, shadow.labels)])
