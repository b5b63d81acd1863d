"""The tables `predictions` and `shadow_predictions`.

Writing, in order: `insert`, `copy_rows`, `binary_copy`, `shadow_rows`, `shadow`, `partitions`, `totals`. Reading:
`lookup` and `references` (by place or id), `tail`, `sample`, `span` (ranges), `review_candidates`, `unreviewed`.
"""
