"""`relearn dlq` on real servers: what is sent again is the record at fault alone, marked when the broker has it."""

import json
from dataclasses import replace

import msgpack

from relearn.agents.dead_letters.redrive import Redriven, redrive
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.stores.dead_letters import list_dead_letters, lock_open, store_dead_letters
from relearn.agents.stores.pauses import Pauses
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.messages.headers import header_text
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.stream.scripts.commands.test_produce import read_ingest
from tests.support.processes.commands import relearn

AT_S = 1_790_000_000.25
MANY = bytes(msgpack.packb({"n": 3, "features": [[1.0], "x", [3.0, 4.0]], "ids": ["a", "b", "c"], "batch": "q"}))


def letter(settings: Settings, offset: int, reason: str, value: bytes | None, *indexes: int) -> DeadLetter:
    place = {"topic": topic_name(settings.namespace, "ingest"), "generation": 1, "partition": 2, "offset": offset}
    headers = [("traceparent", b"00-1-2-00"), ("ce_type", b"relearn.dead-letter.v1"), ("redrive-of", b"0-0-0")]
    return DeadLetter(
        agent="score",
        reason=reason,
        error="why it [red]is so[/]",
        **place,  # type: ignore[arg-type]
        indexes=indexes or (0,),
        at=AT_S,
        key=b"k",
        value=value,
        original_headers=headers,
    )


async def test_only_the_record_at_fault_is_sent_again(settings: Settings, pool: Pool) -> None:
    """Cut out of its message, with its former place; whole where the message was at fault; marked, and not twice."""
    single = encode_record([1.0, 2.0], record_id="s")
    letters = [
        letter(settings, 4, "invalid", MANY, 1),
        letter(settings, 4, "dimension", MANY, 2),
        letter(settings, 5, "dimension", single),
        letter(settings, 6, "unreadable", b"\xc1\xff"),
    ]
    await store_dead_letters(pool, letters)
    done = relearn(settings, "dlq", "redrive", "--all", "--yes")
    assert (done.returncode, done.stderr) == (0, "4 records sent again, 4 acknowledged by the broker\n")
    found = {header_text(m.headers() or [], "redrive-of"): m for m in read_ingest(settings)}
    assert {place: message.value() for place, message in found.items()} == {
        "1-2-4-1": bytes(msgpack.packb({"features": "x", "id": "b", "batch": "q"})),
        "1-2-4-2": bytes(msgpack.packb({"features": [3.0, 4.0], "id": "c", "batch": "q"})),
        "1-2-5-0": single,
        "1-2-6-0": b"\xc1\xff",
    }
    headers = found["1-2-5-0"].headers() or []
    assert [value for name, value in headers if name == "traceparent"] == [b"00-1-2-00"]
    assert [value for name, value in headers if name == "ce_type"] == [b"relearn.record.v1"]
    assert found["1-2-5-0"].key() == b"k"
    rows = await list_dead_letters(pool)
    assert all(row.redriven_at is not None for row in rows)
    assert relearn(settings, "dlq", "redrive", "--all", "--yes").stderr == "no dead letters to send again\n"
    again = relearn(settings, "dlq", "redrive", str(rows[0].id))
    assert (again.returncode, len(read_ingest(settings))) == (2, 4)
    assert "was sent again at" in again.stderr


async def test_what_somebody_else_sends_at_this_moment_is_not_sent_twice(settings: Settings, pool: Pool) -> None:
    """Nor is what was sent since it was listed."""
    await store_dead_letters(pool, [letter(settings, 4, "dimension", b"x"), letter(settings, 5, "dimension", b"y")])
    producer, limits = KafkaProducer(settings, "test"), MessageLimits(settings)
    try:
        async with pool.acquire() as other, other.transaction():
            assert len(await lock_open(other, [1])) == 1
            assert await redrive(settings, pool, producer, limits, [1, 2]) == Redriven(1, [])
        assert await redrive(settings, pool, producer, limits, [1, 2]) == Redriven(1, [])
    finally:
        await producer.close()
    assert sorted(str(message.value()) for message in read_ingest(settings)) == ["b'x'", "b'y'"]


async def test_a_letter_that_names_a_topic_of_others_is_refused(settings: Settings, pool: Pool) -> None:
    """And stays open; the others go."""
    stray = replace(letter(settings, 4, "dimension", b"x"), topic="others.ingest")
    await store_dead_letters(pool, [stray, letter(settings, 5, "dimension", b"y")])
    done = relearn(settings, "dlq", "redrive", "--all", "--yes")
    assert done.returncode == 1
    assert done.stderr.startswith("dead letter 1 was refused: nothing is sent to others.ingest again\n")
    assert [row.id for row in await list_dead_letters(pool, is_open=True)] == [1]


async def test_nothing_is_marked_while_kafka_is_away(settings: Settings, pool: Pool) -> None:
    """One line, and the command can be repeated; a confirmation without an answer is a no."""
    await store_dead_letters(pool, [letter(settings, 5, "dimension", b"x")])
    done = relearn(settings, "dlq", "redrive", "--all", "--yes", KAFKA_BROKERS="127.0.0.1:1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "Kafka doesn't answer" in done.stderr
    assert relearn(settings, "dlq", "redrive", "--all").returncode == 130
    assert relearn(settings, "dlq", "redrive").returncode == 2
    (row,) = await list_dead_letters(pool, is_open=True)
    done = relearn(settings, "dlq", "redrive", str(row.id))
    assert done.stderr == "1 record sent again, 1 acknowledged by the broker\n"


async def test_letters_are_listed_and_shown(settings: Settings, pool: Pool) -> None:
    """For people and for programs; the newest first."""
    await store_dead_letters(
        pool, [letter(settings, 4, "invalid", MANY, 1), letter(settings, 5, "unreadable", b"\xc1")]
    )
    listed = json.loads(relearn(settings, "dlq", "list", "--json").stdout)
    assert [(row["place"], row["reason"]) for row in listed] == [("1-2-5-0", "unreadable"), ("1-2-4-1", "invalid")]
    text = relearn(settings, "dlq", "list", "--reason", "invalid").stdout
    assert "1-2-4-1" in text
    assert "why it [red]is so[/]" in text
    assert "1-2-5-0" not in text
    shown = json.loads(relearn(settings, "dlq", "show", str(listed[1]["id"]), "--json").stdout)
    assert shown["value"] == {"features": "x", "id": "b", "batch": "q"}
    assert shown["headers"]["traceparent"] == "00-1-2-00"
    assert "c1" in relearn(settings, "dlq", "show", str(listed[0]["id"])).stdout
    missing = relearn(settings, "dlq", "show", "99")
    assert (missing.returncode, missing.stderr) == (2, "relearn: there is no dead letter 99\n")


async def test_resume_ends_the_pause_and_says_what_it_was(settings: Settings, pool: Pool) -> None:
    """Without a pause, the command reports that."""
    pauses = Pauses(pool)
    assert relearn(settings, "dlq", "resume").stderr == "nothing is paused\n"
    await pauses.begin("9 of the last 10 records are bad")
    done = relearn(settings, "dlq", "resume")
    assert done.returncode == 0
    assert "resumed the score role (0 workers), paused since " in done.stderr
    assert done.stderr.endswith(": 9 of the last 10 records are bad\n")
    assert await pauses.current() is None
