"""The tables `predictions` and `shadow_predictions`.

Writing, in order: `insert`, `admission` (which records have a daily partition), `copy_rows`, `binary_copy`,
`keyed_writes` (what was sent under a key is stored once), `shadow`, `partitions`, `retention` (which are dropped),
`totals`. Reading: `tail`, `sample`, `span` (ranges), `review_candidates`, `unreviewed`.
"""
