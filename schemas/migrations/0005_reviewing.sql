-- What became of feedback, and what reviewers do.

-- The id of the feedback that could not be used, where its message has one that can be read.
ALTER TABLE dead_letters ADD COLUMN feedback text;
CREATE INDEX dead_letters_of_feedback ON dead_letters (feedback, id) WHERE feedback IS NOT NULL;

-- What each reviewer said, in statements, so that nobody has to count them; '' is whoever gives no name.
CREATE TABLE reviewer_totals (
    reviewer      text        PRIMARY KEY,
    corrections   bigint      NOT NULL,
    confirmations bigint      NOT NULL,
    withdrawals   bigint      NOT NULL,
    first_at      timestamptz NOT NULL,
    last_at       timestamptz NOT NULL
);
CREATE INDEX reviewer_totals_newest ON reviewer_totals (last_at, reviewer);
INSERT INTO reviewer_totals
SELECT coalesce(reviewer, ''), count(*) FILTER (WHERE label <> predicted), count(*) FILTER (WHERE label = predicted),
    count(*) FILTER (WHERE label IS NULL), min(sent_at), max(sent_at)
FROM corrections GROUP BY coalesce(reviewer, '');
