"""Fetches of aiokafka's consumers in bounded memory, whatever the record batches hold.

Order of reading: `bounded_fetch` (what replaces parts of aiokafka), `batches` (records of a batch, piece by piece),
`record_reader`, `decompress`, `parts` (of a poll, which become chunks).
"""
