"""The server process: application, middleware, sockets, start and stop.

Order of reading: `app` (operations → routes), `middleware` (around every request), `serve` (a process from start to
stop), `background` (tasks beside the requests), `listening` (sockets), `connections` (how many, and whose),
`connection`, `cors`.
"""
