-- Feedback ids belong to their sender: an API key, or the reviewer where no key is needed.

ALTER TABLE corrections ADD COLUMN principal text;
ALTER TABLE corrections ADD COLUMN scope text NOT NULL GENERATED ALWAYS AS (
    CASE WHEN principal IS NULL THEN 'reviewer:' || coalesce(reviewer, '') ELSE 'key:' || principal END
) STORED;
ALTER TABLE corrections DROP CONSTRAINT corrections_feedback_key;
ALTER TABLE corrections ADD CONSTRAINT corrections_feedback_key UNIQUE (feedback, scope);

-- Rows that wait during the migration keep the empty scope: their messages are compared by what they hold.
ALTER TABLE waiting_feedback ADD COLUMN scope text NOT NULL DEFAULT '';
ALTER TABLE waiting_feedback DROP CONSTRAINT waiting_feedback_pkey;
ALTER TABLE waiting_feedback ADD PRIMARY KEY (feedback, scope);

ALTER TABLE dead_letters ADD COLUMN feedback_scope text;
