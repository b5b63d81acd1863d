-- Corrections and what is learned from them: reviews, lineage, shadows, drift.

-- Commands are taken in this order. `ended_cut` is the newest correction at the time when the job ended: what has come
-- since is news to the policy.
ALTER TABLE jobs
    ADD COLUMN number    bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN ended_cut bigint;

-- Every statement that was ever made, and nothing is ever changed here. It copies what it is about, so that what was
-- learned outlives the prediction. `id` rises in the order of commits; (sent_at, sent_partition, sent_offset) is Kafka's
-- order, which says what counts.
CREATE TABLE corrections (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feedback        text        NOT NULL UNIQUE,
    sent_at         timestamptz NOT NULL,
    sent_partition  int         NOT NULL,
    sent_offset     bigint      NOT NULL,
    label           text,
    reviewer        text,
    via             text        NOT NULL CHECK (via IN ('audit', 'queue', 'disagree', 'batch', 'volunteer')),
    comment         text,
    record          text,
    -- the prediction that it is about, as that stood
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_index    int         NOT NULL,
    ingested_at     timestamptz NOT NULL,
    key             text        NOT NULL,
    features        float8[]    NOT NULL,
    predicted       text        NOT NULL,
    model           int         NOT NULL,
    activation      int         NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX corrections_of_prediction ON corrections (generation, kafka_partition, kafka_offset, record_index);
CREATE INDEX corrections_of_model ON corrections (model, id);

-- Feedback whose prediction isn't stored yet: the message as it came, so that it can become a dead letter.
CREATE TABLE waiting_feedback (
    feedback        text        PRIMARY KEY,
    generation      int         NOT NULL,
    sent_partition  int         NOT NULL,
    sent_offset     bigint      NOT NULL,
    sent_at         timestamptz NOT NULL,
    key             bytea,
    value           bytea       NOT NULL,
    headers         jsonb       NOT NULL,
    since           timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX waiting_feedback_longest ON waiting_feedback (since);

-- `cut` is the newest correction that the model's training could know; `correction_ids` are those that it was trained on.
ALTER TABLE models
    ADD COLUMN cut            bigint   NOT NULL DEFAULT 0,
    ADD COLUMN correction_ids bigint[] NOT NULL DEFAULT '{}';

-- Unreviewed predictions that a model was trained on, with the label that its champion gave them.
CREATE TABLE assumed (
    version    int      NOT NULL REFERENCES models (version),
    prediction text     NOT NULL,
    key        text     NOT NULL,
    features   float8[] NOT NULL,
    label      text     NOT NULL,
    weight     float8   NOT NULL,
    PRIMARY KEY (version, prediction)
);

-- What a shadow says of the records that the champion answers. Never served.
CREATE TABLE shadow_predictions (
    model           int         NOT NULL,
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_index    int         NOT NULL,
    ingested_at     timestamptz NOT NULL,
    label           text        NOT NULL,
    margins         float8[]    NOT NULL,
    disagrees       boolean     NOT NULL,
    PRIMARY KEY (model, generation, kafka_partition, kafka_offset, record_index, ingested_at)
) PARTITION BY RANGE (ingested_at);
CREATE INDEX shadow_predictions_disagree ON shadow_predictions (model, ingested_at) WHERE disagrees;

-- Feedback names records by the producer's id; replay, review and judging by silence ask for a span of time.
CREATE INDEX predictions_by_record ON predictions (id, ingested_at DESC) WHERE id IS NOT NULL;
CREATE INDEX predictions_by_time ON predictions USING brin (ingested_at) WITH (autosummarize = on);

-- One row per activation of a champion: its first live records, and how the latest differ from them.
CREATE TABLE drift (
    activation int PRIMARY KEY,
    model      int         NOT NULL,
    state      jsonb       NOT NULL,
    drifted    text[]      NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
