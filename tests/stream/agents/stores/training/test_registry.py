"""Examples, models and activations in Postgres: loaded once, one schema, numbers that only rise."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from relearn.agents.learning.fit import fit
from relearn.agents.learning.training_set import TrainingSet
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.activations import (
    Activation,
    ActivationCause,
    SigningContext,
    activate,
    begin_shadowing,
    end_shadowing,
    newest_activations,
    renew,
    signed_by,
)
from relearn.agents.stores.training.examples import load_examples
from relearn.agents.stores.training.jobs import end_job, queue_job, read_job, take_training
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.models import read_model, register_model
from relearn.agents.stores.training.snapshot import read_training_snapshot
from relearn.schemas.errors import Refused
from relearn.schemas.features import numbers_alone
from relearn.schemas.messages.commands import Command
from relearn.schemas.model.linear_svm import Floats, decode_model, model_digest
from relearn.schemas.model.signatures import Verifier, signer_from_pem
from relearn.schemas.model.signed_updates import decode_update
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data.stored import tables
from tests.support.data.trials import prepared

FEATURES = np.random.default_rng(0).normal(size=(20, 2))
LABELS = ["p" if row[0] > 0 else "q" for row in FEATURES]


async def _load(
    pool: Pool,
    features: Floats = FEATURES,
    labels: list[str] = LABELS,
    *,
    names: tuple[str, ...] = ("x", "y"),
    subjects: list[str | None] | None = None,
) -> int:
    return await load_examples(
        pool,
        schema=numbers_alone(names),
        features=features,
        labels=labels,
        subjects=subjects or [f"s{i}" for i in range(len(labels))],
        source="test",
    )


async def _set(pool: Pool) -> TrainingSet:
    """What the next model would be trained on."""
    snapshot = await read_training_snapshot(pool, KeptLabels())
    return prepared(snapshot).examples


async def _newest(pool: Pool, key: str = "champion") -> Activation:
    """What the topic should say last under `key`."""
    return next(one for one in await newest_activations(pool) if one.key == key)


def _seal(settings: Settings, name: str = "keys") -> SigningContext:
    signing, _ = ensure_pair(settings.data_dir / name)
    return SigningContext(settings.namespace, signer_from_pem(signing.read_bytes(), name))


async def _registered(pool: Pool, job: str) -> int:
    """A job with a model."""
    async with pool.acquire() as connection, connection.transaction():
        assert await queue_job(connection, Command(job, "train", {"trigger": "test"}))
        examples = await _set(pool)
        version = await register_model(connection, job, examples, fit(examples), "former")
        assert await end_job(connection, job, "promoted", version=version)
        return version


async def _activate(pool: Pool, version: int, job: str, signing: SigningContext, above: int = 0) -> int:
    async with pool.acquire() as connection, connection.transaction():
        return await activate(
            connection, version, ActivationCause(job, None, {"trigger": "test"}), signing, above=above
        )


async def test_the_same_file_twice_adds_nothing_and_the_latest_label_wins(settings: Settings) -> None:
    async with tables(settings) as pool:
        assert await _load(pool) == 20
        assert await _load(pool) == 0
        corrected = ["q" if label == "p" else "p" for label in LABELS[:2]]
        assert await _load(pool, FEATURES[:2], corrected) == 2
        found = await _set(pool)
        assert len(found) == 20
        assert [found.labels[found.keys.index(key)] for key in ("s0", "s1")] == corrected
        assert await _load(pool) == 2, "the first file's rows are new again"
        assert (await _set(pool)).labels[found.keys.index("s0")] == LABELS[0]


async def test_within_a_file_the_last_row_of_a_key_counts(settings: Settings) -> None:
    """Records without a subject are known by their features."""
    features = np.vstack([FEATURES, FEATURES[:1]])
    async with tables(settings) as pool:
        for added in (20, 0):
            assert await _load(pool, features, [*LABELS, "other"], subjects=[None] * 21) == added
        labels = (await _set(pool)).set_aside
        assert labels == {"other": 1}


async def test_two_loads_at_once_add_each_row_once(settings: Settings) -> None:
    async with tables(settings) as pool:
        assert sum(await asyncio.gather(*(_load(pool) for _ in range(4)))) == 20


@pytest.mark.parametrize("names", [("x",), ("y", "x"), ("x", "y", "z"), ("x", "w")])
async def test_another_feature_schema_is_refused_whole(settings: Settings, names: tuple[str, ...]) -> None:
    async with tables(settings) as pool:
        await _load(pool)
        with pytest.raises(Refused, match="another namespace"):
            await _load(pool, np.ones((2, len(names))), ["a", "b"], names=names, subjects=["n1", "n2"])
        assert len(await _set(pool)) == 20


@pytest.mark.parametrize(
    ("features", "label", "names", "why"),
    [
        ([1.0, np.nan], "a", ("x", "y"), "isn't a finite number"),
        ([1.0, np.inf], "a", ("x", "y"), "isn't a finite number"),
        ([1.0, 2.0], "a\0b", ("x", "y"), "NUL"),
        ([1.0, 2.0], "", ("x", "y"), "nothing visible"),
        ([1.0, 2.0], "é" * 129, ("x", "y"), "258 bytes"),
        ([1.0, 2.0], "a", ("x", "x"), "same name"),
        ([1.0, 2.0], "a", ("x", ""), "empty"),
    ],
)
async def test_what_no_row_can_hold_is_refused(
    settings: Settings, features: list[float], label: str, names: tuple[str, ...], why: str
) -> None:
    async with tables(settings) as pool:
        with pytest.raises(Refused, match=why):
            await _load(pool, np.array([features]), [label], names=names)


async def test_a_model_knows_its_examples_and_gives_its_bytes_back(settings: Settings) -> None:
    async with tables(settings) as pool:
        await _load(pool)
        version = await _registered(pool, "job")
        examples = await _set(pool)
        body, digest, ids = await pool.fetchrow("SELECT body, sha256, example_ids FROM models")
        assert digest == model_digest(body)
        assert decode_model(body).weights.tolist() == fit(examples).weights.tolist()
        assert tuple(ids) == examples.ids
        shown = await read_model(pool, version)
        assert shown is not None
        assert (shown.examples, shown.state, shown.activation) == (20, "former", None)


async def test_activations_rise_and_one_model_is_the_champion(settings: Settings) -> None:
    """Also above what the topic has, where Postgres came back from an older copy."""
    signing = _seal(settings)
    async with tables(settings) as pool:
        await _load(pool)
        first = await _registered(pool, "one")
        second = await _registered(pool, "two")
        assert await _activate(pool, first, "one", signing) == 1
        assert await _activate(pool, second, "two", signing) == 2
        assert await _activate(pool, first, "one", signing, above=40) == 41
        newest = await _newest(pool)
        update = decode_update(
            newest.message, Verifier({signing.signer.key_id: signing.signer.key.public_key()}), settings.namespace
        )
        assert (update.activation, update.role, update.model and update.model.version) == (41, "champion", first)
        assert [row[0] for row in await pool.fetch("SELECT state FROM models ORDER BY version")] == [
            "champion",
            "former",
        ]
        with pytest.raises(Refused, match="champion already"):
            await _activate(pool, first, "one", signing)
        with pytest.raises(Refused, match="no model 9"):
            await _activate(pool, 9, "one", signing)


async def _states(pool: Pool) -> list[str]:
    return [row[0] for row in await pool.fetch("SELECT state FROM models ORDER BY version")]


async def test_a_model_larger_than_the_topic_takes_is_refused_and_nothing_changes(settings: Settings) -> None:
    """Before anything is promised: the job has the sizes."""
    signing = _seal(settings)
    async with tables(settings) as pool:
        await _load(pool)
        await _activate(pool, await _registered(pool, "one"), "one", signing)
        second = await _registered(pool, "two")
        command = Command("a", "activate", {"trigger": "manual"}, second)
        assert await execute_command(pool, command, replace(signing, max_bytes=500), above=0)
        job = await read_job(pool, "a")
        assert job is not None
        assert (job.state, "topic `model-updates` takes at most 500" in (job.error or "")) == ("skipped", True)
        assert await _states(pool) == ["champion", "former"]
        assert (await _newest(pool)).activation == 1


@pytest.mark.parametrize(("state", "word"), [("rejected", "rejected"), ("rolled-back", "rolled back")])
async def test_a_model_known_to_be_worse_is_activated_by_force_only(settings: Settings, state: str, word: str) -> None:
    """The job and the activation record the force."""
    signing, reason = _seal(settings), {"trigger": "manual"}
    async with tables(settings) as pool:
        await _load(pool)
        await _activate(pool, await _registered(pool, "one"), "one", signing)
        second = await _registered(pool, "two")
        await pool.execute("UPDATE models SET state = $2 WHERE version = $1", second, state)
        await execute_command(pool, Command("a", "activate", reason, second), signing, above=0)
        refused = await read_job(pool, "a")
        assert refused is not None
        assert (refused.state, f"model {second} was {word}" in (refused.error or "")) == ("skipped", True)
        await execute_command(pool, Command("b", "activate", reason, second, "me", force=True), signing, above=0)
        forced = await read_job(pool, "b")
        assert forced is not None
        assert (forced.state, forced.reason) == ("promoted", {"trigger": "manual", "forced": True})
        recorded = await pool.fetchval("SELECT reason FROM activations ORDER BY activation DESC LIMIT 1")
        assert recorded == {"trigger": "manual", "forced": True}
        assert await _states(pool) == ["former", "champion"]


async def test_shadows_have_numbers_among_the_champions_and_a_last_word_of_their_own(settings: Settings) -> None:
    signing = _seal(settings)
    async with tables(settings) as pool:
        await _load(pool)
        await _activate(pool, await _registered(pool, "one"), "one", signing)
        second = await _registered(pool, "two")
        async with pool.acquire() as connection, connection.transaction():
            assert await begin_shadowing(connection, second, ActivationCause("two", None, {}), signing, above=0) == 2
        assert [(one.key, one.role, one.version) for one in await newest_activations(pool)] == [
            ("champion", "champion", 1),
            ("shadow", "shadow", second),
        ]
        async with pool.acquire() as connection, connection.transaction():
            assert await end_shadowing(connection, ActivationCause("two", None, {}), signing, above=7) == 8
        none = await _newest(pool, "shadow")
        assert (none.role, none.version, none.activation) == ("none", None, 8)
        update = decode_update(
            none.message, Verifier({signing.signer.key_id: signing.signer.key.public_key()}), settings.namespace
        )
        assert (update.role, update.model) == ("none", None)
        renewed = await renew(pool, none, _seal(settings, "new"), above=20)
        assert (renewed.role, renewed.activation) == ("none", 21)
        assert (await _newest(pool)).activation == 1


async def test_a_new_key_signs_the_champion_anew(settings: Settings) -> None:
    """A process that trusts only the new key couldn't read the old message."""
    old, new = _seal(settings, "old"), _seal(settings, "new")
    async with tables(settings) as pool:
        await _load(pool)
        await _activate(pool, await _registered(pool, "one"), "one", old)
        before = await _newest(pool)
        after = await renew(pool, before, new, above=7)
        assert (after.activation, after.version, after.published) == (8, before.version, False)
        assert (signed_by(before.message), signed_by(after.message)) == (old.signer.key_id, new.signer.key_id)


async def test_one_training_is_open_and_the_other_says_so(settings: Settings) -> None:
    async with tables(settings) as pool:
        async with pool.acquire() as connection:
            train = Command("first", "train", {"trigger": "test"}, by="me")
            assert await queue_job(connection, train)
            assert not await queue_job(connection, train)
            assert await queue_job(connection, replace(train, id="second"))
            assert not await queue_job(connection, replace(train, id="second"))
        second = await read_job(pool, "second")
        assert second is not None
        assert (second.state, second.error) == ("skipped", "another training job is open: first")
        assert second.ended_at is not None
        for _ in range(2):
            taken = await take_training(pool)
            assert taken is not None
            assert (taken.id, taken.state) == ("first", "running"), "one that was interrupted is taken again"
        async with pool.acquire() as connection:
            assert await end_job(connection, "first", "failed", error="no")
            assert not await end_job(connection, "first", "promoted")
        assert await take_training(pool) is None
