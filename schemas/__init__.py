"""The contract: what every message, setting, topic, table and model is. No I/O in this package.

Order of reading: `topics`, messages/ (one module per topic), foreign/ (messages of other shapes), `identity`,
`features` (their kinds, and a record's row), `schema_versions` and `schema_changes` (features that change), `labels`
(one spelling for each), model/ (the model as data), migrations/ (the tables), http/ (the operations of the API),
`api_keys`, `settings`, `errors`, `text`, `asyncapi`, `openapi`.
"""
