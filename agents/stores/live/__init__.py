"""Redis: the stream of live events, the recent view of batches and totals, heartbeats. All can be lost.

Order of reading: `events` (the stream), `event_content` (what is appended), `checkpoint` (announced jobs and
activations), `layout` (keys and reads of the recent view), `recent` (its writer), `heartbeats` (of workers).
"""
