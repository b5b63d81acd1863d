-- Models that were made elsewhere, converted, until the command `import` with the job's id is executed. `body`: as in
-- `models`. Rows of jobs that have ended are deleted later.
CREATE TABLE imports (
    job  text PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT now(),
    body bytea       NOT NULL
);

-- An import makes a challenger, as a training does: at most one of both runs, and at most one of their models is the
-- shadow.
DROP INDEX jobs_one_training;
DROP INDEX jobs_one_shadow;
CREATE UNIQUE INDEX jobs_one_training ON jobs ((true))
    WHERE command IN ('train', 'import') AND state IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_one_shadow ON jobs ((true)) WHERE command IN ('train', 'import') AND state = 'shadow';
