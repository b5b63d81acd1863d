-- A dead letter that holds a part of its original: sizes and SHA-256 of the original, whose place says where it is.
-- On the first row of a letter, as key and value are.

ALTER TABLE dead_letters
    ADD COLUMN cut          boolean NOT NULL DEFAULT false,
    ADD COLUMN value_bytes  bigint,
    ADD COLUMN value_sha256 bytea,
    ADD COLUMN key_bytes    int,
    ADD COLUMN header_count int;
