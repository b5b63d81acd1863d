"""The retrain role: `commands` → jobs → training → gate → models and activations → `model-updates`.

Order of reading: `role` (the Faust app), `context` (what its parts share), `commands` and `execute` (command → job),
`job_loop` (open jobs in turn), `training_job` and `fit_runner`, `fit_process`, `fit_main` (training in a process of its
own), `shadow_job`, `rollback_watch`, `reconcile` (the topic against Postgres), `announce` (live events).
"""
