"""The messages of every topic: one module per topic, with its codec and its checks. Pure.

Order of reading: `wire` and `columns` (encoding), `headers`, `ingest`, `ingest_checks` and `records`, `predictions` and
`shadow_answers`, `feedback`, `commands`, `dead_letters`. Model updates are in schemas/model/.
"""
