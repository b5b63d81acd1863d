-- What workers had in hand when they died. A message in hand at several deaths is quarantined.

CREATE TABLE deaths (
    mark text NOT NULL,
    agent text NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    kafka_partition integer NOT NULL,
    first_offset bigint NOT NULL,
    end_offset bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mark, topic_id, kafka_partition, first_offset)
);
CREATE INDEX deaths_by_agent ON deaths (agent, at);
