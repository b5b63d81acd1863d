-- What the HTTP API asks for.

CREATE INDEX predictions_by_batch ON predictions (batch, ingested_at DESC);
