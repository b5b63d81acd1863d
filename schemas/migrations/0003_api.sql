-- What the API asks for.

-- Lists go from key to key in exactly this order. Spans of time are found here too.
DROP INDEX predictions_by_time;
CREATE INDEX predictions_newest
    ON predictions (ingested_at, generation, kafka_partition, kafka_offset, record_index);
CREATE INDEX predictions_by_batch ON predictions (batch, ingested_at) WHERE batch IS NOT NULL;

-- The reviewed ones in the same order.
CREATE INDEX corrections_of_newest
    ON corrections (ingested_at, generation, kafka_partition, kafka_offset, record_index);
