-- Offsets that a role never read, because Kafka no longer had them: records deleted, topics created again, logs cut off.

CREATE TABLE gaps (
    role            text        NOT NULL,
    topic           text        NOT NULL,
    topic_id        text        NOT NULL,
    kafka_partition int         NOT NULL,
    why             text        NOT NULL,
    position        bigint      NOT NULL,
    lost            bigint,
    times           bigint      NOT NULL DEFAULT 1,
    first_at        timestamptz NOT NULL DEFAULT now(),
    last_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (role, topic, topic_id, kafka_partition, why)
);
