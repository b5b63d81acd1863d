"""Messages of other shapes on `ingest`, for the score role: what reading them needs of files and servers.

Order of reading: `intake` (what the role asks before it decodes), `mapping_file`. What is pure is in `schemas.foreign`.
"""
