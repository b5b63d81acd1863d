"""How a process waits for a server that is unavailable: `backoff` (how long), `retry` (the loop), `open_once`.

`notices` has what people must know meanwhile, `progress` counts the parts of the work in hand that are done,
`rate` measures how fast work goes on, `clock_jumps` sees a server's clock jump.

No module here knows a particular server. `kafka`, `models`, `worker`, the roles and the supervisor build on them.
"""
