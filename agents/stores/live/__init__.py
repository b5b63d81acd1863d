"""Redis: the stream of live events and the recent view of batches and totals. Both can be rebuilt from Postgres.

Order of reading: `events` (the stream), `batch_events` and `correction_events` (what is appended), `checkpoint` (which
jobs and activations were announced), `layout` (Redis keys), `recent` and `batches` (the recent view).
"""
