"""Drift in the API: both histograms, their comparison, and the drifted features."""

from __future__ import annotations

import asyncio

import numpy as np

from relearn.agents.feedback.drift_watch import compared
from relearn.agents.learning.drift import reference
from relearn.agents.stores.predictions.sample import Cursor, Sample
from relearn.agents.stores.training.drift import DriftRow, DriftState, write_drift
from relearn.schemas.settings import Settings
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data import retrains
from tests.support.data.registered import register

NAMES = ("x1", "x2", "x3", "x4")


def a_champion(settings: Settings) -> None:
    retrains.load(settings, 14)
    assert register(settings) == 1


def watched(windows: int) -> DriftRow:
    """A watch after `windows` windows in which the first feature has shifted."""
    rng = np.random.default_rng(0)

    def sample(n: int, shift: float = 0.0) -> Sample:
        features = rng.normal(size=(n, 4)) + np.array([shift, 0.0, 0.0, 0.0])
        return Sample(features, features[:, 1])

    row = DriftRow(1, 1, DriftState(reference=reference(NAMES, *sample(1000)[:2])))
    for number in range(windows):
        row = compared(row, Cursor(), sample(500, 2.0), 1_700_000_000.0 + number)
    return row


async def test_before_the_first_champion_there_is_nothing_to_watch(client: Client) -> None:
    found = await client.json("GET", "/v1/drift")
    assert (found["state"], found["features"], found["margin"], found["window"]) == ("no champion", [], None, None)


async def test_a_new_champion_gathers_its_first_records(client: Client) -> None:
    await asyncio.to_thread(a_champion, client.settings)
    found = await client.json("GET", "/v1/drift")
    assert (found["state"], found["activation"], found["model"], found["features"]) == ("gathering", 1, 1, [])
    assert found["gathered"] == 0
    assert found["limits"] == {
        "psi": 0.25,
        "p": 0.0025,
        "windows": 2,
        "reference_records": 1000,
        "window_records": 500,
    }


async def test_each_feature_and_the_margin_have_both_histograms(client: Client) -> None:
    await asyncio.to_thread(a_champion, client.settings)
    assert await write_drift(client.context.pool, watched(2)) is not None
    found = await client.json("GET", "/v1/drift")
    assert (found["state"], found["drifted"]) == ("watching", ["x1"])
    assert [one["name"] for one in found["features"]] == list(NAMES)
    assert found["margin"]["name"] == "margin"
    for one in [*found["features"], found["margin"]]:
        assert len(one["reference"]) == len(one["live"]) == len(one["edges"]) + 1
        assert one["edges"] == sorted(one["edges"])
        assert (sum(one["reference"]), sum(one["live"])) == (1000, 500)
    moved, still = found["features"][:2]
    assert (moved["shifted"], moved["windows"], moved["drifted"]) == (True, 2, True)
    assert moved["psi"] > 0.25 > still["psi"]
    assert moved["p"] < found["limits"]["p"]
    assert (still["shifted"], still["windows"], still["drifted"]) == (False, 0, False)
    assert (found["window"]["number"], found["window"]["records"]) == (2, 500)
    assert found["window"]["at"].startswith("2023-11-14T22:13:21")


async def test_before_the_first_window_there_is_the_reference_alone(client: Client) -> None:
    await asyncio.to_thread(a_champion, client.settings)
    assert await write_drift(client.context.pool, watched(0)) is not None
    found = await client.json("GET", "/v1/drift")
    assert (found["state"], found["window"]) == ("watching", None)
    assert {(one["live"], one["psi"], one["shifted"]) for one in found["features"]} == {(None, None, False)}
    assert sum(found["margin"]["reference"]) == 1000


async def test_without_postgres_nothing_is_known(client: Client) -> None:
    async with serving(client.settings, postgres_dsn=f"postgresql://x@{NOWHERE}/x") as other:
        assert await other.problem("GET", "/v1/drift", 503) == "unavailable"
