"""Child processes: started in groups, restarted when they die, stopped in reverse order.

Order of reading: `process` (a child's description), `supervisor`, `spawn` and `launch` (one child), `restarts`,
`signals`, `events` (what the supervisor reports).
"""
