"""What the demo reads from Postgres while it streams: `rows` (latency, accuracy), `retrains` (trainings), `drift`."""
