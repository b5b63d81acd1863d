-- Features of other kinds than numbers. `features` holds a record's numbers (NaN: missing), `strings` its categories
-- (NULL: missing); both in the order of the schema. `strings` is NULL where the schema has numbers alone.
ALTER TABLE predictions ADD COLUMN strings text[];
ALTER TABLE corrections ADD COLUMN strings text[];
ALTER TABLE examples ADD COLUMN strings text[];
ALTER TABLE assumed ADD COLUMN strings text[];

-- One entry per name. `gaps`: whether the feature may be missing. Empty: numbers alone, none of which may be missing.
ALTER TABLE feature_schema
    ADD COLUMN kinds text[]    NOT NULL DEFAULT '{}',
    ADD COLUMN gaps  boolean[] NOT NULL DEFAULT '{}';
