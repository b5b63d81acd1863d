"""The tables `predictions` and `shadow_predictions`.

Writing, in order: `insert`, `copy_rows`, `binary_copy`, `shadow`, `partitions`, `totals`. Reading: `tail`, `sample`,
`span` (ranges), `review_candidates`, `unreviewed`.
"""
