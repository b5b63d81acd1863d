"""The HTTP contract: every operation with its types, from which the document, the validation and the permissions come.

A room per subject; each ends with its OPERATIONS, and `schemas.http.operations` has them all. Types are msgspec
structs: what a field may hold stands in its annotation, what it means in `Meta(description=…)`.
"""
