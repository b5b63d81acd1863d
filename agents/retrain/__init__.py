"""The retrain role: `commands` → jobs → training → gate → models and activations → `model-updates`.

Order of reading: `role` (the Faust app), `context` (what its parts share), `commands` and `execute` (command → job),
`job_loop` (open jobs in turn), `training_job`, `import_job`, `fit_runner` (one training at a time, within its time
limit), `fit_process` (starts, feeds and kills one child), `fit_main` (the child), `shadow_job`, `rollback_watch`,
`reconcile` (the topic against Postgres), `announce` (live events).
"""
