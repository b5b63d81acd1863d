-- The features of a namespace have versions: a row each, and the newest is the namespace's. `base`: the first version of
-- the chain; rows of one chain can be projected onto each other's version. A schema that is replaced as a whole begins a
-- chain. `defaults`: by name, the value where a record is without a feature that was added. `change`: what the job did.
ALTER TABLE feature_schema DROP CONSTRAINT feature_schema_pkey;
ALTER TABLE feature_schema DROP COLUMN one;
ALTER TABLE feature_schema
    ADD COLUMN base     int         NOT NULL DEFAULT 1,
    ADD COLUMN defaults jsonb       NOT NULL DEFAULT '{}',
    ADD COLUMN change   jsonb,
    ADD COLUMN job      text,
    ADD COLUMN by       text,
    ADD COLUMN at       timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE feature_schema SET base = number;
ALTER TABLE feature_schema ADD PRIMARY KEY (number);

-- The version that a record's values are in. NULL: that of the model which scored it, and of an example the first of
-- the chain in which it was loaded.
ALTER TABLE predictions ADD COLUMN schema int;
ALTER TABLE corrections ADD COLUMN schema int;
ALTER TABLE examples ADD COLUMN schema int;
