"""A made-up table of a shop's orders: numbers, categories, gaps, and a label. No package at hand ships a mixed table.

Who sends an order back is drawn from a linear rule of its columns and noise, so that a linear model can learn it and
none can be right every time. The same rows each time.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.features import Feature, FeatureSchema, Strings, codes_of

ROWS = 4000
SCHEMA = FeatureSchema(
    (
        Feature("amount"),
        Feature("items"),
        Feature("age", missing=True),
        Feature("discount", missing=True),
        Feature("days_to_door"),
        Feature("channel", "category"),
        Feature("department", "category"),
        Feature("payment", "category", missing=True),
        Feature("country", "category"),
    )
)
#: What each level adds to the chance of a return, in logits.
CHANNELS = {"web": 0.0, "app": 0.4, "shop": -1.4, "phone": 0.7}
DEPARTMENTS = {"shoes": 1.6, "dresses": 2.0, "shirts": 0.4, "books": -2.2, "kitchen": -1.0, "garden": -0.6}
PAYMENTS = {"invoice": 1.3, "card": 0.0, "transfer": -0.8}
_COUNTRIES = ("DE", "AT", "CH", "FR", "NL", "BE", "IT", "ES", "PL", "CZ", "DK", "SE")
COUNTRIES = {name: 0.9 * math.sin(3.0 * i) for i, name in enumerate(_COUNTRIES)}
_MISSING = 0.08


def orders(rows: int = ROWS, seed: int = 0) -> tuple[NDArray[np.float64], tuple[Strings, ...], tuple[str, ...]]:
    """Rows of SCHEMA, (rows, 9) float64; the categories of each; its label, `kept` or `returned`."""
    rng = np.random.default_rng([seed, 97])
    items = 1.0 + rng.poisson(1.5, rows)
    amount = np.round(items * rng.lognormal(3.2, 0.6, rows), 2)
    age = np.round(rng.normal(42, 13, rows).clip(18, 90))
    discount = np.round(rng.choice([0, 5, 10, 20, 30, 50], rows, p=[0.45, 0.15, 0.15, 0.12, 0.08, 0.05]).astype(float))
    days = np.round(rng.gamma(3.0, 1.2, rows) + 1.0, 1)
    columns = [_drawn(rng, levels, rows) for levels in (CHANNELS, DEPARTMENTS, PAYMENTS, COUNTRIES)]
    logits = 0.5 * np.log(amount / 50.0) + 0.35 * (items - 2) - 0.03 * (age - 42)
    logits = logits + 0.02 * discount + 0.25 * (days - 4.6) - 1.2
    for levels, column in zip((CHANNELS, DEPARTMENTS, PAYMENTS, COUNTRIES), columns, strict=True):
        logits = logits + np.array([levels[str(level)] for level in column])
    returned = rng.random(rows) < 1.0 / (1.0 + np.exp(-2.0 * logits))
    age[rng.random(rows) < _MISSING] = np.nan
    discount[rng.random(rows) < _MISSING] = np.nan
    gaps = rng.random(rows) < _MISSING
    columns[2] = [None if gap else level for level, gap in zip(columns[2], gaps, strict=True)]
    strings: tuple[Strings, ...] = tuple(zip(*columns, strict=True))
    numbers = np.column_stack([amount, items, age, discount, days])
    rows_of_codes = np.array([codes_of(levels) for levels in strings])
    return np.hstack([numbers, rows_of_codes]), strings, tuple("returned" if one else "kept" for one in returned)


def _drawn(rng: np.random.Generator, levels: dict[str, float], rows: int) -> list[str | None]:
    """Levels that are less frequent the later they stand: few countries have most orders."""
    weights = 1.0 / (1.0 + np.arange(len(levels)))
    return list(rng.choice(list(levels), rows, p=weights / weights.sum()))
