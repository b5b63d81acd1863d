"""Whether a model will be larger than topic `model-updates` takes: checked before it is trained."""

from __future__ import annotations

from relearn.agents.learning.encode import fit_encoder
from relearn.agents.learning.training_set import TrainingSet
from relearn.schemas.model.signed_updates import least_model_bytes


def why_too_large(examples: TrainingSet, limit: int) -> str | None:
    """Why the model that is fitted to `examples` can't be published in a message of `limit` bytes; None if it can.

    What is compared is the minimum size of the message.
    """
    encoder = fit_encoder(examples.schema, examples.features, examples.string_of, len(set(examples.labels)))
    columns = len(examples.schema) if encoder is None else encoder.width
    least = least_model_bytes(set(examples.labels), examples.schema.names, columns)
    if least <= limit:
        return None
    what = f"a model of {examples.features.shape[1]:,} features and these classes takes at least {least:,}"
    return f"{what} bytes; topic `model-updates` takes at most {limit:,}"
