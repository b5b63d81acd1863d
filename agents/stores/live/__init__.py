"""Redis: the stream of live events, the recent view of batches and totals, heartbeats. All can be lost.

Order of reading: `events` (the stream), `messages` (what is appended), `checkpoint` (which jobs and activations were
announced), `layout` (keys and reads of the recent view), `recent` (its writer), `heartbeats` (of workers).
"""
