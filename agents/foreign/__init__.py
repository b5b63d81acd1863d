"""Messages of other shapes on `ingest`, for the score role: what reading them needs of files and servers.

Order of reading: `intake` (what the role asks before it decodes), `mapping_file`, `codecs` (of the schemas that
messages name, kept), `registry` (one schema, fetched from the schema registry), `protoc` (compiles a schema of
Protobuf). What is pure is in `schemas.foreign`.
"""
