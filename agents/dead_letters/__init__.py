"""Dead letters, read back and sent again; every role writes them, `relearn dlq` and the API use this package.

Order of reading: `redrive` (sends dead letters again, record by record), `original` (reads the original where a
letter holds a part of it), `redriven_message` (the message that is sent), `extract` (one record out of a message of
many), `render` (a message's bytes as text for people).
"""
