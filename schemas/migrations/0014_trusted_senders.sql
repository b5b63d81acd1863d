-- Senders of feedback whose new labels no training limits, as `corrections.scope` names them: an API key, or a reviewer's
-- name in feedback that no key sent. `reviewer` is the name, of the key or of the reviewer. Rows stay when the trust ends.
CREATE TABLE trusted_senders (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope    text        NOT NULL,
    reviewer text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    by       text,
    ended_at timestamptz,
    ended_by text
);
CREATE UNIQUE INDEX trusted_senders_once ON trusted_senders (scope) WHERE ended_at IS NULL;
CREATE INDEX trusted_senders_of_reviewer ON trusted_senders (reviewer) WHERE ended_at IS NULL;
