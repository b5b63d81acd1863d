"""A model as other programs read it. Pure: a model in, bytes out.

`json_description` (columns, weights and rules in words), `onnx_graph` (package onnx, if it is installed),
`sklearn_pipeline` (package skops, if it is installed). docs/model-export.md describes the three for their readers.
"""
