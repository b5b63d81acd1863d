"""The messages of every topic: one module per topic, with its codec and its checks. Pure.

Order of reading: `decoder` (MessagePack, JSON, columns), `weight` (the memory that decoding would take), `headers`,
`ingest` with `ingest_fast_path`, forms/, `ingest_faults` and `records`, `predictions` and `shadow_answers`, `results`,
`feedback`, `commands`, `dead_letters` (their format), `dead_letter_cut` (rejected records → letters, cut to what
their topic takes). Model updates are in schemas/model/.
"""
