"""Forms of ingest messages beside records of numbers alone, by position.

Order of reading: `mixed` (records with strings and gaps, by position or by name), `versions` (records of older
versions of the features, as rows of the newest).
"""
