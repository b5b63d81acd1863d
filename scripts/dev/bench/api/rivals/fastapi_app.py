"""The same prediction with FastAPI: run by uvicorn in an environment of its own, which has no Relearn in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

_MODEL = json.loads(Path(os.environ["MODEL"]).read_text())
WEIGHTS, BIAS = np.array(_MODEL["weights"]), np.array(_MODEL["bias"])
CLASSES: list[str] = _MODEL["classes"]

app = FastAPI()


class Body(BaseModel):
    """Records to score."""

    features: list[list[float]] = Field(min_length=1, max_length=10_000)


class Predicted(BaseModel):
    """The model's labels."""

    model: int
    labels: list[str]
    margins: list[list[float]]


@app.post("/predict")
async def predict(body: Body) -> Predicted:
    """All rows at once."""
    if any(len(row) != WEIGHTS.shape[1] for row in body.features):
        raise HTTPException(422, "another number of features")
    features = np.array(body.features, dtype=np.float64)
    if not np.isfinite(features).all():
        raise HTTPException(422, "a value that isn't finite")
    margins = features @ WEIGHTS.T + BIAS
    labels = [CLASSES[int(margin > 0)] for margin in margins[:, 0]]
    return Predicted(model=1, labels=labels, margins=margins.tolist())
