"""The messages of every topic: one module per topic, with its codec and its checks. Pure.

Order of reading: `decoder` and `columns` (encoding), `headers`, `ingest` with `ingest_fast_path`, `ingest_faults` and
`records`, `predictions` and `shadow_answers`, `feedback`, `commands`, `dead_letters` and
`dead_letter_bounds`. Model updates are in schemas/model/.
"""
