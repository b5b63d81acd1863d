"""Jobs, models and activations in Postgres, and what a training reads.

Order of reading: `examples` (labelled rows), `policy_facts`, `jobs`, `snapshot` (a training's input), `models`,
`activations` (swaps of models), `champion` (which model answers), `lineage`, `examples_file` (a model's examples as
CSV or NDJSON), `drift`.
"""
