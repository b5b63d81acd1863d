"""Messages of other shapes on `ingest`, read as records of Relearn's own (docs/mapping.md).

Order of reading: `paths` (where a value is in a message), `mapping` (which values are features and texts; the TOML
file), `unwrap` (envelopes of Debezium and Kafka Connect), `json_object` (JSON into Python objects), `frame` (a schema
registry's framing), `avro` (Avro by its schema), `avro_read` (readers of values), `avro_logical` (decimals, dates),
`avro_size` (the bounds of a schema), `protobuf`, `values` (what a value is called), `reader` (one message into the
builder of a chunk's records).
"""
