"""HTTP itself: what every handler is given and how requests and responses are read and written.

Order of reading: `context` and `call` (a handler's parameters), `request` (path, query and body → types), `problems`
(errors → RFC 9457), `cursors`, `json_rows`, `tensors`, `unpacking`, `responses`, `static_files`, `budget` (memory of
all requests in work), `limits` (sizes and times of one), `single_flight` (one call for concurrent callers).
"""
