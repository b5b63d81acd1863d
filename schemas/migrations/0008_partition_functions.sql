-- Daily partitions are made and dropped by the tables' owner, also where a worker's role owns nothing. Each function acts
-- on the two partitioned tables of its own schema only, and names them in full: a temporary table can't take their place.

CREATE FUNCTION make_partition(parent text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET timezone TO 'UTC' AS $$
DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
BEGIN
    IF parent NOT IN ('predictions', 'shadow_predictions') THEN
        RAISE EXCEPTION '% has no partitions', parent USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Made first and then attached, which unlike PARTITION OF stops neither readers nor writers of other partitions.
    EXECUTE format(
        'CREATE TABLE %1$I.%2$I (LIKE %1$I.%3$I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        current_schema(), partition, parent
    );
    EXECUTE format(
        'ALTER TABLE %1$I.%3$I ATTACH PARTITION %1$I.%2$I FOR VALUES FROM (%4$L) TO (%5$L)',
        current_schema(), partition, parent, day::timestamptz, (day + 1)::timestamptz
    );
END
$$;

CREATE FUNCTION drop_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    parent text;
BEGIN
    SELECT p.relname INTO parent
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
    JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    WHERE c.relname = partition AND c.relnamespace = current_schema()::regnamespace
        AND p.relnamespace = c.relnamespace;
    IF parent IS NULL THEN
        RETURN;  -- another worker has dropped it
    END IF;
    IF parent NOT IN ('predictions', 'shadow_predictions') THEN
        RAISE EXCEPTION '% is no partition of predictions', partition USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP TABLE %I.%I', current_schema(), partition);
END
$$;

REVOKE ALL ON FUNCTION make_partition(text, date), drop_partition(text) FROM PUBLIC;
