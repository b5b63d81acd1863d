"""The results role: `predictions` → `results`, one message a record, for consumers that know nothing of Relearn.

Order of reading: `role` (the Faust app), `sender` (one chunk: decode the blocks, send a message per record),
`avro` (their values in Avro, where RELEARN_RESULTS is `avro`; the schema is registered).
"""
