"""The tables `predictions` and `shadow_predictions`.

Writing, in order: `insert`, `copy_rows`, `binary_copy`, `shadow`, `partitions`, `totals`. Reading: `lookup` (by place
or record id), `tail`, `sample`, `span` (ranges), `review_candidates`, `unreviewed`.
"""
