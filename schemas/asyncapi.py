"""The AsyncAPI 3 document of the topics, made from the types that the messages are read with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta, Struct

from relearn import __version__
from relearn.schemas.messages import commands, dead_letters, feedback, ingest, predictions, results
from relearn.schemas.messages.shadow_answers import ShadowWire
from relearn.schemas.model import signed_updates
from relearn.schemas.settings import read_settings
from relearn.schemas.topics import TopicName, topic_specs

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_DESCRIPTION = """
Values are MessagePack maps; one whose first byte is `{` is read as JSON. `format: binary` is MessagePack's bin: packed
arrays, little-endian. Unknown keys are ignored. Strings are UTF-8 without NUL, at most 256 bytes (`context`: 2,048).
"""
_PACKED = "application/msgpack"


class UpdateEnvelope(Struct):
    """A message of `model-updates`: the signed body and its signature."""

    body: Annotated[bytes, Meta(description="A MessagePack map: `UpdateBody`.")]
    key_id: str
    signature: Annotated[bytes, Meta(description="Ed25519 over `body`.")]
    sha256: Annotated[bytes, Meta(description="Of `body`.")]


class UpdateBody(Struct):
    """The fields of a model update's `body`. With role `none` there is no model: the shadow ends."""

    v: int
    namespace: str
    role: signed_updates.Role
    activation: Annotated[int, Meta(ge=1, description="Only rises; an update below the live one's is rejected.")]
    version: int
    classes: list[str]
    feature_names: list[str]
    weights: Annotated[bytes, Meta(description="float64 (1|k)·d, on raw features.")]
    bias: Annotated[bytes, Meta(description="float64 1|k.")]
    mean: Annotated[bytes, Meta(description="float64 d; information.")]
    scale: Annotated[bytes, Meta(description="float64 d; information.")]
    calibration: dict[str, Any] | None
    histograms: Annotated[dict[str, Any] | None, Meta(description="Always null.")]
    metrics: dict[str, Any]
    job: str | None
    reason: dict[str, Any]
    published_at: Annotated[float, Meta(description="Seconds since 1970, the publisher's clock.")]


class _Topic(NamedTuple):
    """The messages of one topic, and whether Relearn sends or receives them."""

    payloads: tuple[Any, ...]
    ce_type: str | None
    action: Literal["send", "receive"]
    summary: str
    headers: tuple[str, ...] = ()
    content_type: str = _PACKED


_LETTER_HEADERS = ("agent", "reason", "error", "topic", "generation", "partition", "offset", "index", "time")
_TOPICS: dict[TopicName, _Topic] = {
    "ingest": _Topic((ingest.OneRecord, ingest.ManyRecords), None, "receive", "Records to score."),
    "predictions": _Topic((predictions.BlockWire,), predictions.CE_TYPE, "send", "Scored records, in columns."),
    "feedback": _Topic(
        (feedback.FeedbackWire,), feedback.CE_TYPE, "receive", "Statements of people and programs about one prediction."
    ),
    "commands": _Topic((commands.CommandWire,), commands.CE_TYPE, "receive", "Commands to the retrain role."),
    "model-updates": _Topic(
        (UpdateEnvelope,), signed_updates.CE_TYPE, "send", "Which model answers from now on; compacted."
    ),
    "dead-letters": _Topic(
        (),
        dead_letters.CE_TYPE,
        "send",
        "Rejected records: the original key and value. Where these exceed a bound, a part of them, and the headers "
        f"{', '.join(dead_letters.CUT_HEADERS)}.",
        _LETTER_HEADERS,
    ),
    "results": _Topic(
        (results.ResultWire,),
        results.CE_TYPE,
        "send",
        "Scored records, one a message, for consumers that know nothing of Relearn; where RELEARN_RESULTS is `json`, "
        "or `avro`: the same fields in a schema registry's framing.",
        content_type="application/json",
    ),
}
_CLOUD_EVENT = ("ce_specversion", "ce_type", "ce_id", "ce_source", "ce_time")


def asyncapi() -> Schema:
    """The document, as JSON's values; of the default namespace."""
    types = [kind for topic in _TOPICS.values() for kind in topic.payloads] + [UpdateBody, ShadowWire]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    by_type = dict(zip(types, schemas, strict=True))
    # It is decoded apart from the rest of its block.
    components["BlockWire"]["properties"]["shadow"] = by_type[ShadowWire]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Relearn's topics", "version": __version__, "description": _DESCRIPTION.strip()},
        "defaultContentType": _PACKED,
        "channels": {name: _channel(name, topic) for name, topic in _TOPICS.items()},
        "operations": {
            f"{topic.action}-{name}": {
                "action": topic.action,
                "channel": {"$ref": f"#/channels/{name}"},
                "summary": topic.summary,
            }
            for name, topic in _TOPICS.items()
        },
        "components": {
            "messages": {name: _message(name, topic, by_type) for name, topic in _TOPICS.items()},
            "schemas": _packed(components),
        },
    }


def _channel(name: TopicName, topic: _Topic) -> Schema:
    spec = next(one for one in topic_specs(read_settings({"RELEARN_RESULTS": "json"})) if one.name.endswith(f".{name}"))
    return {
        "address": spec.name,
        "description": topic.summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "bindings": {"kafka": {"partitions": spec.partitions, "topicConfiguration": _known(spec.config)}},
    }


def _known(config: dict[str, str]) -> Schema:
    """The part of a topic's configuration that the Kafka binding has fields for."""
    known: Schema = {name: int(config[name]) for name in ("retention.ms", "max.message.bytes") if name in config}
    return {**known, "cleanup.policy": [config["cleanup.policy"]]} if "cleanup.policy" in config else known


def _message(name: TopicName, topic: _Topic, by_type: dict[Any, Schema]) -> Schema:
    headers = {header: {"type": "string"} for header in (*_CLOUD_EVENT, *topic.headers)}
    if topic.ce_type:
        headers["ce_type"] = {"type": "string", "const": topic.ce_type}
    found: Schema = {
        "name": name,
        "summary": topic.summary,
        "contentType": topic.content_type if topic.payloads else "application/octet-stream",
        "headers": {"type": "object", "properties": headers, "required": list(topic.headers)},
    }
    if topic.payloads:
        payloads = [by_type[kind] for kind in topic.payloads]
        found["payload"] = payloads[0] if len(payloads) == 1 else {"anyOf": payloads}
    return found


def _packed(schema: Any) -> Any:
    """The schema with bytes as binary, not as base64."""
    if isinstance(schema, dict):
        if schema.get("contentEncoding") == "base64":
            return {**{k: v for k, v in schema.items() if k != "contentEncoding"}, "format": "binary"}
        return {name: _packed(value) for name, value in schema.items()}
    return [_packed(value) for value in schema] if isinstance(schema, list) else schema
