"""The command `schema`: one version for each, in one transaction; rows of all versions are trained on in the newest."""

from __future__ import annotations

import numpy as np
import pytest

from relearn.agents.learning.trial import prepare
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.features.change import renumber_features
from relearn.agents.stores.features.versions import read_chain, read_versions
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.training.activations import SigningContext
from relearn.agents.stores.training.examples import load_examples
from relearn.agents.stores.training.jobs import Job, read_job
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.snapshot import read_admitted
from relearn.schemas.errors import Refused
from relearn.schemas.features import Feature, FeatureSchema, codes_of, numbers_alone
from relearn.schemas.messages.commands import Command, decode_command, encode_command
from relearn.schemas.schema_changes import SchemaChange, change_fields
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair

FIRST = numbers_alone(["a", "b"])
ADD = SchemaChange(Feature("colour", "category"), "red")


async def change(settings: Settings, pool: Pool, command_id: str, what: SchemaChange) -> tuple[bool, Job]:
    """Send one command the way that it travels."""
    ensure_pair(settings.keys_dir)
    signing = SigningContext(settings.namespace, load_signer(settings))
    reason = {"trigger": "manual", "change": change_fields(what)}
    command = decode_command(encode_command(Command(command_id, "schema", reason, by="ann")))
    new = await execute_command(pool, command, signing, above=0)
    job = await read_job(pool, command_id)
    assert job is not None
    return new, job


async def load(
    pool: Pool, schema: FeatureSchema, rows: list[list[float]], strings: list[list[str]] | None = None
) -> int:
    numbers = np.array(rows)
    return await load_examples(
        pool,
        schema=schema,
        features=numbers if strings is None else np.hstack([numbers, [codes_of(its) for its in strings]]),
        strings=strings or [],
        labels=["yes" if row[0] > 0 else "no" for row in rows],
        subjects=[f"s-{len(schema)}-{i}" for i in range(len(rows))],
        source=f"of {len(schema)}",
    )


async def test_before_the_first_examples_there_is_nothing_to_change(settings: Settings, pool: Pool) -> None:
    _, job = await change(settings, pool, "early", ADD)
    assert (job.state, "no examples were loaded yet" in (job.error or "")) == ("skipped", True)


async def test_the_same_command_twice_is_one_version_and_two_commands_are_two(settings: Settings, pool: Pool) -> None:
    await load(pool, FIRST, [[1.0, 2.0], [-1.0, 0.0]])
    new, job = await change(settings, pool, "one", ADD)
    assert (new, job.outcome, job.metrics and job.metrics["schema"]["version"]) == (True, "took effect", 2)
    again, _ = await change(settings, pool, "one", ADD)
    assert not again
    _, refused = await change(settings, pool, "again", ADD)
    assert (refused.state, "already" in (refused.error or "")) == ("skipped", True)
    await change(settings, pool, "two", SchemaChange(retire="b", reuse_length=True))
    stored = await read_versions(pool)
    assert [(one.version.number, one.base, one.version.schema.names, one.by) for one in stored] == [
        (1, 1, ("a", "b"), None),
        (2, 1, ("a", "b", "colour"), "ann"),
        (3, 1, ("a", "colour"), "ann"),
    ]
    await renumber_features(pool, 7)
    chain = await read_chain(pool)
    assert chain is not None
    assert (chain.newest.number, chain.newest.schema.names) == (8, ("a", "colour"))


async def test_examples_of_every_version_are_trained_on_in_the_newest(settings: Settings, pool: Pool) -> None:
    older = [[float(i % 7 - 3) or 1.0, float(i)] for i in range(20)]
    await load(pool, FIRST, older)
    kept = KeptLabels()
    before, _ = await read_admitted(pool, settings, kept)
    assert before.schema == FIRST
    await change(settings, pool, "one", ADD)
    second = FeatureSchema((*FIRST.features, Feature("colour", "category")))
    assert await load(pool, second, [[1.0, 5.0], [-1.0, 6.0]], [["blue"], ["red"]]) == 2
    assert await load(pool, FIRST, older) == 0
    with pytest.raises(Refused, match="other features"):
        await load(pool, numbers_alone(["x"]), [[1.0]])
    snapshot, admitted = await read_admitted(pool, settings, kept)
    assert (snapshot.number, snapshot.schema) == (2, second)
    examples = prepare(snapshot, admitted, assumed_weight=0.0).examples
    colours = [examples.strings_of(row) for row in examples.features]
    assert sorted(colours) == [["blue"], *[["red"]] * 21]
