-- Messages of `ingest` that were sent under a key, so that one that is sent again makes no second rows.

-- The message whose records are stored, by the key's digest.
CREATE TABLE ingest_writes (
    token           text        PRIMARY KEY,
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    ingested_at     timestamptz NOT NULL
);

-- Messages whose records were left out: their places name the predictions of the message above.
CREATE TABLE repeated_writes (
    generation      int         NOT NULL,
    kafka_partition int         NOT NULL,
    kafka_offset    bigint      NOT NULL,
    token           text        NOT NULL,
    ingested_at     timestamptz NOT NULL,
    PRIMARY KEY (generation, kafka_partition, kafka_offset)
);
