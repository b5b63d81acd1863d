-- The first tables of a namespace. Runs with the namespace's schema first in search_path.

CREATE TABLE feature_schema (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    names text[] NOT NULL
);

CREATE TABLE topics (
    name       text NOT NULL,
    topic_id   text NOT NULL,
    generation int  NOT NULL,
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, topic_id),
    UNIQUE (name, generation)
);

CREATE TABLE predictions (
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_index    int         NOT NULL,
    id              text,
    subject         text,
    batch           text,
    context         text,
    features        float8[]    NOT NULL,
    label           text        NOT NULL,
    margins         float8[]    NOT NULL,
    confidence      float4,
    model           int         NOT NULL,
    activation      int         NOT NULL,
    ingested_at     timestamptz NOT NULL,
    scored_at       timestamptz NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT now(),
    -- by place first: a prediction is asked for by its id, which doesn't tell when it was ingested
    PRIMARY KEY (generation, kafka_partition, kafka_offset, record_index, ingested_at)
) PARTITION BY RANGE (ingested_at);

CREATE TABLE totals (
    generation      int    NOT NULL,
    kafka_partition int    NOT NULL,
    records         bigint NOT NULL DEFAULT 0,
    expired         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (generation, kafka_partition)
);

CREATE TABLE batches (
    batch    text PRIMARY KEY,
    records  bigint      NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL
);
CREATE INDEX batches_recent ON batches (last_at DESC);

CREATE TABLE dead_letters (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent           text        NOT NULL,
    topic           text        NOT NULL,
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    record_index    int         NOT NULL,
    reason          text        NOT NULL,
    error           text        NOT NULL,
    key             bytea,
    value           bytea,
    headers         jsonb       NOT NULL,
    at              timestamptz NOT NULL,
    redriven_at     timestamptz,
    UNIQUE (topic, generation, kafka_partition, kafka_offset, record_index)
);

-- How many rows dead_letters got per topic, so that nobody has to count them.
CREATE TABLE dead_letter_totals (
    topic   text   PRIMARY KEY,
    records bigint NOT NULL
);

CREATE TABLE pauses (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent      text        NOT NULL,
    reason     text        NOT NULL,
    paused_at  timestamptz NOT NULL DEFAULT now(),
    resumed_at timestamptz
);
CREATE UNIQUE INDEX pauses_one_open ON pauses (agent) WHERE resumed_at IS NULL;

CREATE TABLE examples (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key      text        NOT NULL,
    subject  text,
    features float8[]    NOT NULL,
    label    text        NOT NULL,
    source   text        NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX examples_latest ON examples (key, id DESC);

CREATE TABLE jobs (
    id         text PRIMARY KEY,
    command    text        NOT NULL,
    state      text        NOT NULL
        CHECK (state IN ('queued', 'running', 'rejected', 'shadow', 'promoted', 'skipped', 'failed')),
    reason     jsonb       NOT NULL,
    requested  int,
    by         text,
    version    int,
    champion   int,
    metrics    jsonb,
    queued_at  timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at   timestamptz,
    error      text
);
CREATE UNIQUE INDEX jobs_one_open_training ON jobs ((true))
    WHERE command = 'train' AND state IN ('queued', 'running', 'shadow');
CREATE INDEX jobs_recent ON jobs (queued_at DESC, id);

CREATE SEQUENCE model_versions AS int;

CREATE TABLE models (
    version     int PRIMARY KEY,
    job         text        NOT NULL UNIQUE REFERENCES jobs (id),
    state       text        NOT NULL
        CHECK (state IN ('champion', 'former', 'shadow', 'rejected', 'rolled-back')),
    body        bytea       NOT NULL,
    sha256      bytea       NOT NULL,
    metrics     jsonb       NOT NULL,
    set_digest  bytea       NOT NULL,
    example_ids bigint[]    NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX models_one_champion ON models ((true)) WHERE state = 'champion';

CREATE TABLE activations (
    activation   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role         text        NOT NULL CHECK (role IN ('champion', 'shadow', 'none')),
    version      int         REFERENCES models (version),
    job          text        NOT NULL REFERENCES jobs (id),
    by           text,
    reason       jsonb       NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    message      bytea       NOT NULL,
    published_at timestamptz
);
