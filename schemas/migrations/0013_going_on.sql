-- A shadow blocks no training: at most one training runs, and at most one shadow is on. One that another model replaced
-- before its verdict is superseded.
ALTER TABLE jobs DROP CONSTRAINT jobs_state_check, ADD CONSTRAINT jobs_state_check
    CHECK (state IN ('queued', 'running', 'rejected', 'shadow', 'superseded', 'promoted', 'skipped', 'failed'));
DROP INDEX jobs_one_open_training;
CREATE UNIQUE INDEX jobs_one_training ON jobs ((true)) WHERE command = 'train' AND state IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_one_shadow ON jobs ((true)) WHERE command = 'train' AND state = 'shadow';

-- `cut`: the newest correction that the training knew, or, of a job that knew none, that there was when it ended. What is
-- newer than all of them is news to the policy. `trained_at`: the end of the training; its model may be a shadow then.
ALTER TABLE jobs RENAME COLUMN ended_cut TO cut;
ALTER TABLE jobs ADD COLUMN trained_at timestamptz;
UPDATE jobs SET trained_at = ended_at WHERE cut IS NOT NULL;
UPDATE jobs SET cut = models.cut, trained_at = models.created_at FROM models WHERE models.job = jobs.id;

-- The models without each fold of its training set, which answer fairly to the keys that it was trained on.
ALTER TABLE models ADD COLUMN folds bytea;
