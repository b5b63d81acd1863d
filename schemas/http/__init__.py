"""The HTTP contract: every operation with its types, from which the document, the validation and the permissions come.

A module per subject; each ends with its OPERATIONS, and `schemas.http.operations` lists all of them. Types are msgspec
structs: the annotation gives a field's values, `Meta(description=…)` its meaning. A class name is the name of the type
in the OpenAPI document, so that it has to be unique.
"""
