"""A model as an ONNX graph, built from its numbers. The package onnx is optional: the extra `onnx`.

Inputs, each only where the model has such features: `numbers`, float64 (n, numbers), NaN where a value is missing, and
`categories`, string (n, categories), `missing_token` where a level is missing. Each in the order of the schema.
Outputs: `label`, string (n,), and `margins`, float64 (n, 1) or (n, k). Not the newest opset: older runtimes read it.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from relearn import __version__
from relearn.schemas.errors import Refused
from relearn.schemas.model.encoder import CategoryPart, columns_of
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.extras import import_extra

_OPSETS = {"": 17, "ai.onnx.ml": 3}
_IR_VERSION = 8


def require_onnx() -> Any:
    """The package.

    Raises:
        SetupError: it isn't installed; the message has the command that installs it.
    """
    return import_extra("onnx", "onnx", "the format onnx needs the package onnx")


def missing_token(model: Model) -> str:
    """What stands for a missing category: the empty string, or where that is a level, a text that is none."""
    levels = {level for part in ([] if model.encoder is None else model.encoder.categories) for level in part.levels}
    token = ""
    while token in levels:
        token = f"<{token or 'missing'}>"
    return token


def onnx_model(model: Model, sha256: bytes) -> bytes:
    """The graph, serialized. `sha256`: of the model's stored body.

    Raises:
        SetupError: onnx isn't installed.
        Refused: the model has texts.
    """
    if model.schema.texts:
        raise Refused("ONNX has no operator for the words of a text: export the model as json or skops")
    graph = _Graph(require_onnx(), [], [])
    inputs, terms = [], []
    numbers = len(model.schema.numbers)
    if numbers:
        inputs.append(graph.value("numbers", np.float64, ["n", numbers]))
        terms += _number_terms(graph, model)
    if model.schema.strings:
        inputs.append(graph.value("categories", np.str_, ["n", len(model.schema.strings)]))
        terms += _category_terms(graph, model)
    total = terms[0]
    for term in terms[1:]:
        total = graph.node("Add", [total, term])
    graph.node("Add", [total, graph.constant("bias", model.bias)], output="margins")
    _label(graph, model)
    outputs = [graph.value("label", np.str_, ["n"]), graph.value("margins", np.float64, ["n", len(model.bias)])]
    return graph.serialized(inputs, outputs, model, sha256)


def _number_terms(graph: _Graph, model: Model) -> list[str]:
    """Margins of the numbers, (n, k), and of their indicators."""
    by_column, numbers = model.weights.T, len(model.schema.numbers)
    weights = graph.constant("number_weights", by_column[:numbers])
    if model.encoder is None:
        return [graph.node("MatMul", ["numbers", weights])]
    parts = model.encoder.numbers
    missing = graph.node("IsNaN", ["numbers"])
    imputed = graph.constant("imputed", np.array([[part.imputed for part in parts]]))
    terms = [graph.node("MatMul", [graph.node("Where", [missing, imputed, "numbers"]), weights])]
    places = np.flatnonzero([part.indicator for part in parts])
    if len(places):
        indicators = graph.node("Cast", [missing], to=graph.element(np.float64))
        chosen = graph.node("Gather", [indicators, graph.constant("with_indicator", places)], axis=1)
        of_indicators = graph.constant("indicator_weights", by_column[numbers : numbers + len(places)])
        terms.append(graph.node("MatMul", [chosen, of_indicators]))
    return terms


def _category_terms(graph: _Graph, model: Model) -> list[str]:
    """Margins of each category, (n, k): the weights of the one column that is 1."""
    assert model.encoder is not None
    by_column, token = model.weights.T, missing_token(model)
    start = model.encoder.width - sum(map(columns_of, model.encoder.strings))
    terms = []
    for i, part in enumerate(model.encoder.categories):
        levels = graph.node("Gather", ["categories", graph.constant(f"category_{i}", np.array(i))], axis=1)
        weights = graph.constant(f"category_weights_{i}", by_column[start : start + columns_of(part)])
        terms.append(graph.node("Gather", [weights, _places(graph, levels, part, token)], axis=0))
        start += columns_of(part)
    return terms


def _places(graph: _Graph, levels: str, part: CategoryPart, token: str) -> str:
    """The column of each level, (n,) int64 from 0."""
    m = len(part.levels)
    columns: dict[str, Any] = {"values_int64s": [*range(m), m + 1], "default_int64": m}
    return graph.node("LabelEncoder", [levels], domain="ai.onnx.ml", keys_strings=[*part.levels, token], **columns)


def _label(graph: _Graph, model: Model) -> None:
    if len(model.classes) == 2:
        only = graph.node("Gather", ["margins", graph.constant("first", np.array(0))], axis=1)
        positive = graph.node("Greater", [only, graph.constant("zero", np.array(0.0))])
        winner = graph.node("Cast", [positive], to=graph.element(np.int64))
    else:
        winner = graph.node("ArgMax", ["margins"], axis=1, keepdims=0)
    classes = graph.constant("classes", np.array(model.classes, dtype=object))
    graph.node("Gather", [classes, winner], axis=0, output="label")


class _Graph(NamedTuple):
    """Nodes and constants that are added one by one."""

    onnx: Any
    nodes: list[Any]
    constants: list[Any]

    def element(self, kind: type[np.generic]) -> int:
        """The number of a type of elements."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def value(self, name: str, kind: type[np.generic], shape: list[str | int]) -> Any:
        """The description of an input or output."""
        return self.onnx.helper.make_tensor_value_info(name, self.element(kind), shape)

    def constant(self, name: str, array: np.ndarray[Any, Any]) -> str:
        """Add a constant; its name."""
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name))
        return name

    def node(self, operator: str, inputs: list[str], *, domain: str = "", output: str = "", **more: Any) -> str:
        """Add a node; the name of its output."""
        output = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [output], domain=domain, **more))
        return output

    def serialized(self, inputs: list[Any], outputs: list[Any], model: Model, sha256: bytes) -> bytes:
        """The checked model."""
        helper, schema = self.onnx.helper, model.schema
        graph = helper.make_graph(self.nodes, "relearn_linear_svm", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        found = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="relearn")
        found.producer_version, found.model_version = __version__, model.version
        facts = {
            "classes": json.dumps(model.classes),
            "numbers": json.dumps([schema.names[i] for i in schema.numbers]),
            "categories": json.dumps([schema.names[i] for i in schema.strings]),
            "missing_category": missing_token(model),
            "sha256": sha256.hex(),
        }
        helper.set_model_props(found, facts)
        self.onnx.checker.check_model(found)
        return bytes(found.SerializeToString())
