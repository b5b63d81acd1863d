-- What orders is a number that Postgres gives, never a time: a clock may be wrong, or step.

-- `ended` rises in the order in which jobs end. `watched_s`: how long a shadow was compared, by the retrain worker's
-- monotonic clock.
CREATE SEQUENCE job_ends;
ALTER TABLE jobs ADD COLUMN ended bigint, ADD COLUMN watched_s float8 NOT NULL DEFAULT 0;
UPDATE jobs SET ended = before.n
FROM (SELECT id, row_number() OVER (ORDER BY number) AS n FROM jobs WHERE ended_at IS NOT NULL) AS before
WHERE jobs.id = before.id;
SELECT setval('job_ends', coalesce(max(ended), 0) + 1, false) FROM jobs;
CREATE UNIQUE INDEX jobs_newest ON jobs (number DESC);
DROP INDEX jobs_recent;

-- `arrival` rises in the order in which statements were received and examples were loaded. It decides which statement of
-- a reviewer is the latest, and which label of a key.
CREATE SEQUENCE arrivals;
ALTER TABLE examples ADD COLUMN arrival bigint;
ALTER TABLE corrections ADD COLUMN arrival bigint;
WITH numbered AS (
    SELECT kind, id, row_number() OVER (ORDER BY at, sent_partition, sent_offset, id) AS n FROM (
        SELECT 'example' AS kind, id, added_at AS at, 0 AS sent_partition, id AS sent_offset FROM examples
        UNION ALL SELECT 'correction', id, sent_at, sent_partition, sent_offset FROM corrections
    ) AS known
), corrected AS (
    UPDATE corrections c SET arrival = n FROM numbered WHERE kind = 'correction' AND numbered.id = c.id
)
UPDATE examples e SET arrival = n FROM numbered WHERE kind = 'example' AND numbered.id = e.id;
SELECT setval('arrivals', (SELECT count(*) FROM examples) + (SELECT count(*) FROM corrections) + 1, false);
ALTER TABLE examples ALTER COLUMN arrival SET DEFAULT nextval('arrivals'), ALTER COLUMN arrival SET NOT NULL;
ALTER TABLE corrections ALTER COLUMN arrival SET DEFAULT nextval('arrivals'), ALTER COLUMN arrival SET NOT NULL;
ALTER TABLE waiting_feedback ADD COLUMN arrival bigint NOT NULL DEFAULT nextval('arrivals');

-- What was loaded when, from where. An example is withdrawn when all loads that had it are. It stays for the lineage of
-- models that were trained on it.
CREATE TABLE loads (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    by           text,
    rows         bigint      NOT NULL,
    added        bigint      NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by text
);
INSERT INTO loads (source, at, rows, added)
SELECT source, added_at, count(*), count(*) FROM examples GROUP BY source, added_at ORDER BY added_at;
ALTER TABLE examples ADD COLUMN loads bigint[] NOT NULL DEFAULT '{}', ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
UPDATE examples e SET loads = ARRAY[l.id] FROM loads l WHERE l.source = e.source AND l.at = e.added_at;

-- Features are replaced by a load after all examples were withdrawn. `number` rises with that, `widths` are the numbers
-- of features before. A model has the number of its features.
ALTER TABLE feature_schema ADD COLUMN number int NOT NULL DEFAULT 1, ADD COLUMN widths int[] NOT NULL DEFAULT '{}';
ALTER TABLE models ADD COLUMN schema int NOT NULL DEFAULT 1;

-- When each daily partition was made, by Postgres' clock: rows stay as long after that as after their day. A partition
-- without a row here is older than this table.
CREATE TABLE daily_partitions (
    name    text        PRIMARY KEY,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
