"""Sending at a rate."""

from __future__ import annotations

import threading

import pytest

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.settings import Settings
from relearn.scripts.client.producer import Sender, send_paced


@pytest.mark.parametrize("rate", [2_000, 20_000])
def test_a_fast_sender_waits_between_messages_and_does_not_spin(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait below a millisecond is none to librdkafka: half a processor went into asking whether it is time."""
    sender = Sender(Settings(kafka_brokers=("127.0.0.1:1",)), "ingest", source="/tests")
    waits: list[float] = []
    wait = sender.wait
    monkeypatch.setattr(sender, "wait", lambda left_s: (waits.append(left_s), wait(left_s)))
    messages = [OutgoingMessage(b"x", "record") for _ in range(400)]
    send_paced(sender, messages, rate=rate, stop=threading.Event())
    assert sender.sent == 400
    assert len(waits) <= 400 * 1000 / (2 * rate) + 1, "each wait is at least two milliseconds"
