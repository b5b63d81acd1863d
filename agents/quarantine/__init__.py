"""Quarantine: a message that was in hand at several deaths of its worker becomes a dead letter unread.

Order of reading: `in_hand` (what a process has in hand, in a file that outlives it), `suspects` (what to read alone,
and what not to read; pure), `guard` (asked by the loop of a worker; refuses what is quarantined).
"""
