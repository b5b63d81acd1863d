"""The hostile messages of the fault suite, without servers: the decoder gives the outcome that each of them expects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.dead_letters import decode_dead_letter
from relearn.schemas.messages.feedback import decode_feedback
from relearn.schemas.messages.predictions import decode_block
from relearn.scripts.dev.bench.faults.hostile import COMMANDS, INGEST, LARGE, OTHERS
from relearn.scripts.dev.bench.faults.ledger import plain_record
from relearn.scripts.dev.bench.faults.scene import NAMES
from tests.support.data.messages import FakeMessage, decode_chunk

MAKES = {**INGEST, **{name: make for name, make in LARGE.items() if "feedback" not in name}}


@pytest.mark.parametrize("name", MAKES)
def test_each_record_has_its_outcome_and_its_neighbours_are_scored(name: str) -> None:
    """Over several seeds; plain records stand before and after the message."""
    for seed in range(3 if name in LARGE else 20):
        special = MAKES[name](np.random.default_rng(seed), f"special-{seed}")
        values = [plain_record(1), special.value, plain_record(2)]
        records, rejects = decode_chunk([FakeMessage(value, offset=i) for i, value in enumerate(values)], NAMES)
        places = list(zip(records.offsets.tolist(), records.indexes.tolist(), records.ids, strict=True))
        assert (places[0], places[-1]) == ((0, 0, "1"), (2, 0, "2"))
        rows = {index: given for _, index, given in places[1:-1]}
        reasons = {reject.fault.index: reject.fault.reason for reject in rejects}
        assert len(rows) + len(reasons) == len(places) - 2 + len(rejects), "an outcome twice"
        expected = {**special.rows, **{index: rows[index] for index in special.either if index in rows}}
        assert rows == expected
        assert set(reasons) == {*special.refused, *(index for index in special.either if index not in rows)}
        for index, allowed in special.refused.items():
            assert not allowed or reasons[index] in allowed, (index, reasons[index])


DECODERS: dict[str, Callable[[bytes], object]] = {
    "feedback": decode_feedback,
    "commands": decode_command,
    "predictions": decode_block,
    "dead-letters": lambda value: decode_dead_letter(None, value, ()),
}


@pytest.mark.parametrize("name", [*OTHERS, *COMMANDS, "12 MB of zeros on feedback"])
def test_messages_on_the_other_topics_are_refused_by_their_decoders(name: str) -> None:
    make = {**OTHERS, **COMMANDS, **LARGE}[name]
    for seed in range(20):
        special = make(np.random.default_rng(seed), f"special-{seed}")
        assert special.value is not None
        with pytest.raises(BadMessage):
            DECODERS[special.topic](special.value)
