"""Where the stream ends: Postgres (the truth) and Redis (the recent view). All SQL of the agents is in this package.

Order of reading: `postgres`, `migrations`, `redis` (connections and errors), `database_fit`, `redis_fit` (whether the
servers can be used), `places` (identity columns), `topic_generations`, predictions/ (rows of records),
`dead_letters`, `deaths` (what workers had in hand when they died), `gaps` (offsets that were never read), `pauses`,
features/ (the versions of the features), feedback/ (corrections), training/ (jobs, models, activations), live/
(events and the recent view), `api_keys`,
`deployment` (figures for `relearn status`), `exports` (whole tables, page by page).
"""
