"""Jobs, models and activations in Postgres, and what a training reads.

Order of reading: `examples` (labelled rows), `loads` (where they came from, and withdrawing them), `policy_facts`,
`jobs`, `loop_facts` (facts for `learning.loop_state`), `kept_labels` and `snapshot` (a training's input), `models`,
`imports` (models of others, until they are judged), `activations` (swaps of models), `champion` (which model answers),
`lineage` (a model's job, activations and exact examples, read back), `examples_writer` (these examples as lines of CSV
or NDJSON), `drift`.
"""
