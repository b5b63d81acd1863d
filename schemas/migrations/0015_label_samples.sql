-- What a training knew, where it uses only a part of it. `labels_available`: the labelled examples that there were, one per
-- key; `labels_limit`: how many a training uses at most. `example_cut`: the newest row of `examples`; `waiting_ids`: the
-- corrections up to `cut` that wait for later jobs; all others were known. NULL: of models that used all they knew.
ALTER TABLE models
    ADD COLUMN labels_available int,
    ADD COLUMN labels_limit     int,
    ADD COLUMN example_cut      bigint NOT NULL DEFAULT 0,
    ADD COLUMN waiting_ids      bigint[];
