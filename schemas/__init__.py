"""The contract: what every message, setting, topic, table and model is. No I/O happens in this room."""
