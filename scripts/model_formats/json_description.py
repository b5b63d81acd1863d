"""A model as JSON that any language can score with: what each column is, its weights, and the rules in words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from relearn.schemas.features import FeatureSchema, schema_fields
from relearn.schemas.model.encoder import CategoryPart, Encoder
from relearn.schemas.model.linear_svm import Model

FORMAT = "relearn-linear-svm"
FORMAT_VERSION = 1

_RULES = {
    "number": "a number column is its feature's value; where that is missing, `if_missing`",
    "missing": "a missing column is 1 where its feature's value is missing, else 0",
    "level": "a level column is 1 where its feature's value equals `level`, character by character, else 0",
    "other": "an other column is 1 where its feature has a value that none of its level columns has, else 0",
    "words": "the words of a text are the matches of \\b\\w\\w+\\b (Unicode) in lower case, and each two neighbours"
    " with a blank between them; a word's bucket is |MurmurHash3_x86_32(UTF-8, seed 0, signed)| modulo `buckets` of"
    " `texts`; v[b] = how many are of bucket b * its idf, `idf_otherwise` for a bucket without a column; a words column"
    " is v[bucket] / the root of the sum of all v[b]^2, or 0 without words or where the text is missing",
    "margin": "margin[r] = bias[r] + the sum over columns c of weights[r][c] * column[c], in float64",
    "label": "two classes: classes[1] if margin[0] > 0, else classes[0];"
    " more: classes[r] of the largest margin[r], the first of equals",
    "confidence": "s[r] = 1 / (1 + exp(a[r] * margin[r] + b[r])) with a and b of `calibration`; two classes: s[0] for"
    " classes[1], 1 - s[0] for classes[0]; more: s of the label's row / the sum of all s; unknown without calibration",
}


def json_description(model: Model, sha256: bytes) -> bytes:
    """The model as indented JSON in UTF-8. `sha256`: of its stored body."""
    fields = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "version": model.version,
        "sha256": sha256.hex(),
        "classes": list(model.classes),
        "features": schema_fields(model.schema),
        **({"texts": _texts(model)} if model.schema.texts else {}),
        "columns": list(_columns(model.schema, model.encoder)),
        "weights": model.weights.tolist(),
        "bias": model.bias.tolist(),
        "calibration": model.calibration,
        "mean": model.mean.tolist(),
        "scale": model.scale.tolist(),
        "metrics": dict(model.metrics),
        "rules": {name: rule for name, rule in _RULES.items() if name != "words" or model.schema.texts},
    }
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def _columns(schema: FeatureSchema, encoder: Encoder | None) -> Iterator[dict[str, Any]]:
    """What each column is, in the order of the weights."""
    numbers = [schema.names[i] for i in schema.numbers]
    if encoder is None:
        yield from ({"feature": name, "column": "number"} for name in numbers)
        return
    parts = list(zip(numbers, encoder.numbers, strict=True))
    yield from ({"feature": name, "column": "number", "if_missing": part.imputed} for name, part in parts)
    yield from ({"feature": name, "column": "missing"} for name, part in parts if part.indicator)
    for place, part in zip(schema.strings, encoder.strings, strict=True):
        name = schema.names[place]
        if isinstance(part, CategoryPart):
            yield from ({"feature": name, "column": "level", "level": level} for level in part.levels)
            yield {"feature": name, "column": "other"}
        else:
            words = zip(part.places().tolist(), part.weights().tolist(), strict=True)
            yield from ({"feature": name, "column": "words", "bucket": bucket, "idf": idf} for bucket, idf in words)
        yield {"feature": name, "column": "missing"}


def _texts(model: Model) -> dict[str, dict[str, Any]]:
    """Of each text what its words are hashed to."""
    parts = [] if model.encoder is None else model.encoder.texts
    names = [model.schema.names[model.schema.strings[j]] for j in model.schema.texts]
    return {
        name: {"buckets": 1 << part.bits, "idf_otherwise": math.log(1.0 + part.texts) + 1.0}
        for name, part in zip(names, parts, strict=True)
    }
