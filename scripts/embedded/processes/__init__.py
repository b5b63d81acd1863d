"""Child processes: started in groups, restarted when they die, stopped in reverse order.

Order of reading: `process` (a child's description), `supervisor` (starts, restarts and stops them), `restart_wait` (the
wait before a restart), `spawn` and `launch` (one child), `signals`, `events` (what the supervisor reports).
"""
