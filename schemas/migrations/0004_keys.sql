-- Keys of the HTTP API. A key's text is told once, when it is made; what stands here is the SHA-256 of it. A revoked key's
-- row stays: that a key was ever made is what turns asking for keys on.
CREATE TABLE api_keys (
    id         text PRIMARY KEY,
    name       text        NOT NULL,
    role       text        NOT NULL CHECK (role IN ('read', 'ingest', 'review', 'admin')),
    hash       bytea       NOT NULL CHECK (length(hash) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE UNIQUE INDEX api_keys_one_live_per_name ON api_keys (name) WHERE revoked_at IS NULL;
