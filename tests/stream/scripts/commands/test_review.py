"""`relearn review` on real servers: its statements become reviews, one per prediction."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from relearn.schemas.messages.feedback import CE_TYPE, Feedback, decode_feedback
from relearn.schemas.messages.headers import header_text
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import messages, query, value
from tests.support.paths import ROOT
from tests.support.processes.commands import relearn
from tests.support.processes.workers import environment, workers
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually

N = 120
FEATURES, TRUTH = reviewed.records(N)


@pytest.fixture
def oracle(tmp_path: Path) -> str:
    """The right labels of the test's records, which have no subjects: they are known by their features."""
    path = tmp_path / "oracle.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["x1", "x2", "x3", "x4", "truth"])
        rows.writerows([*row, label] for row, label in zip(FEATURES.tolist(), TRUTH, strict=True))
    return str(path)


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A champion that has seen 14 records, and is often wrong."""
    retrains.load(migrated, 14)
    register(migrated)
    return migrated


def predict(settings: Settings, shadow: int | None = None) -> list[str]:
    """Predictions of the test's records by the champion, and by a shadow; the champion's labels."""
    beside = None if shadow is None else reviewed.model_of(settings, shadow)
    return reviewed.predict(settings, FEATURES, reviewed.model_of(settings, 1), shadow=beside)[1]


def review(settings: Settings, oracle: str, *argv: str) -> str:
    """Its last line."""
    done = relearn(settings, "review", "--oracle", oracle, "--label", "truth", "--seed", "3", *argv)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr.splitlines()[-1]


def said(settings: Settings) -> list[Feedback]:
    """All that stands on the topic."""
    return [decode_feedback(message.value()) for message in messages(settings, "feedback")]


def offsets(found: Sequence[Feedback]) -> list[int]:
    """Of the predictions that it is about."""
    return [one.prediction.offset for one in found if one.prediction]


def test_answers_are_right_and_what_it_says_was_acknowledged_stands_on_the_topic(
    settings: Settings, oracle: str
) -> None:
    answers = predict(settings)
    corrections = sum(a != b for a, b in zip(answers, TRUTH, strict=True))
    last = review(settings, oracle, "--count", str(N))
    assert last == f"{N} answers, of them {corrections} corrections, acknowledged by the broker"
    found = said(settings)
    assert sorted(offsets(found)) == list(range(N)), "each once, though none was stored meanwhile"
    assert {offset: one.label for offset, one in zip(offsets(found), found, strict=True)} == dict(enumerate(TRUTH))
    assert {one.reviewer for one in found} == {"oracle"}
    assert Counter(one.via for one in found).keys() == {"audit", "queue"}
    headers = messages(settings, "feedback")[0].headers()
    assert (header_text(headers, "ce_type"), header_text(headers, "ce_source")) == (
        CE_TYPE,
        f"/{settings.namespace}/review",
    )


def test_the_least_certain_are_first_and_no_share_of_audits_means_none(settings: Settings, oracle: str) -> None:
    predict(settings)
    review(settings, oracle, "--count", "20", "--audit", "0", "--reviewer", "ann")
    found = said(settings)
    assert {(one.via, one.reviewer) for one in found} == {("queue", "ann")}
    by_certainty = query(settings, "SELECT kafka_offset FROM predictions ORDER BY confidence, abs(margins[1])")
    assert sorted(offsets(found)) == sorted(row["kafka_offset"] for row in by_certainty[:20])


def test_disagreements_come_before_what_is_uncertain(settings: Settings, oracle: str) -> None:
    retrains.load(settings, 60, seed=1, prefix="more")
    shadow = register(settings, "shadow")
    predict(settings, shadow)
    differ = query(settings, "SELECT kafka_offset FROM shadow_predictions WHERE disagrees")
    assert 0 < len(differ) < 60
    review(settings, oracle, "--count", "60", "--audit", "0")
    by_via = {via: set(offsets([one for one in said(settings) if one.via == via])) for via in ("disagree", "queue")}
    assert by_via["disagree"] == {row["kafka_offset"] for row in differ}
    assert len(by_via["queue"]) == 60 - len(differ)
    review(settings, oracle, "--count", "10", "--audit", "1")
    assert Counter(one.via for one in said(settings))["audit"] == 10


def test_reviews_are_stored_and_not_made_again_by_another_run(settings: Settings, oracle: str) -> None:
    predict(settings)
    with workers(settings, feedback=1) as running:
        review(settings, oracle, "--count", "50")
        stored = "SELECT count(*) FROM corrections"
        eventually(lambda: value(settings, stored) == 50, lambda: running["feedback-1"].log[-3000:])
        review(settings, oracle, "--count", str(N - 50), "--reviewer", "another")
        eventually(lambda: value(settings, stored) == N, lambda: running["feedback-1"].log[-3000:])
    places = query(settings, "SELECT kafka_offset, label FROM corrections ORDER BY kafka_offset")
    assert [tuple(row) for row in places] == list(enumerate(TRUTH))


def test_only_errors_is_corrections_that_nobody_asked_for(settings: Settings, oracle: str) -> None:
    answers = predict(settings)
    wrong = [i for i in range(N) if answers[i] != TRUTH[i]]
    last = review(settings, oracle, "--only-errors", "--count", str(len(wrong)))
    assert last == f"{len(wrong)} answers, of them {len(wrong)} corrections, acknowledged by the broker"
    found = said(settings)
    assert sorted(offsets(found)) == wrong
    assert {one.via for one in found} == {"volunteer"}


def test_a_reviewer_errs_as_often_as_asked_for(settings: Settings, oracle: str) -> None:
    predict(settings)
    review(settings, oracle, "--count", str(N), "--error", "0.3")
    found = said(settings)
    wrong = sum(one.label != TRUTH[offset] for offset, one in zip(offsets(found), found, strict=True))
    assert 0.15 * N < wrong < 0.45 * N


def test_a_subject_is_known_whatever_its_features(settings: Settings, oracle: str) -> None:
    """A noisy copy of a record has its label; records without a known label are skipped and counted."""
    predict(settings)
    query(settings, "UPDATE predictions SET features = ARRAY[9, 9, 9, 9]")
    query(settings, "UPDATE predictions SET subject = 'wine-' || kafka_offset WHERE kafka_offset < 30")
    done = relearn(settings, "review", "--oracle", "wine", "--count", "30", "--audit", "1", "--seed", "1")
    assert done.returncode == 0, done.stderr
    *_, skipped, last = done.stderr.splitlines()
    assert sorted(offsets(said(settings))) == list(range(30))
    assert {one.label for one in said(settings)} == {"class_0"}
    assert skipped.endswith("records skipped: wine has no labels for them")
    assert last.startswith("30 answers")


def spoken(settings: Settings) -> int:
    """How much stands on the topic; nothing while a topic just made has no leader yet."""
    try:
        return len(messages(settings, "feedback"))
    except KafkaException:
        return 0


@contextmanager
def running(settings: Settings, *argv: str) -> Iterator[subprocess.Popen[str]]:
    """It, while the block runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "relearn.scripts", "review", *argv],
        cwd=ROOT,
        env=environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_it_waits_for_predictions_keeps_its_pace_and_ends_in_order(settings: Settings, oracle: str) -> None:
    with running(settings, "--oracle", oracle, "--label", "truth", "--rate", "25") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("nothing to review now")
        predict(settings)
        began_s = time.monotonic()
        eventually(lambda: spoken(settings) >= 25, "no review was stored")
        assert time.monotonic() - began_s > 0.8
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
        last = process.stderr.read().splitlines()[-1]
    found = said(settings)
    assert last.startswith(f"{len(found)} answers, of them ")
    assert len(set(offsets(found))) == len(found)


def test_a_database_that_goes_away_ends_it_and_what_was_said_is_counted(
    settings: Settings, oracle: str, servers: Servers
) -> None:
    predict(settings)
    with running(settings, "--oracle", oracle, "--label", "truth", "--rate", "20") as process:
        assert process.stderr is not None
        eventually(lambda: spoken(settings) >= 3, "no review was stored")
        with servers.postgres.away():
            assert process.wait(60) == 2
        *_, counted, why = process.stderr.read().splitlines()
    assert counted.startswith(f"{len(said(settings))} answers, of them ")
    assert why.startswith("relearn: Postgres")


def test_what_can_not_be_is_one_line(settings: Settings, oracle: str, tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_text("x,y\n1,a\n2,a\n")
    for argv, why in (
        (["--oracle", "nowhere.csv"], "no such file"),
        (["--oracle", oracle], "--label"),
        (["--oracle", str(one), "--label", "y", "--error", "0.1"], "no other label"),
    ):
        done = relearn(settings, "review", *argv)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert why in done.stderr
    assert relearn(settings, "review", "--oracle", "wine", "--only-errors", "--audit", "1").returncode == 2
    away = relearn(settings, "review", "--oracle", "wine", KAFKA_BROKERS="127.0.0.1:1")
    assert away.returncode == 2
    assert "Kafka doesn't answer" in away.stderr
